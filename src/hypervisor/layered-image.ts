// SPDX-License-Identifier: BSD-2-Clause
/** The native image of a disk with layers. */
import { type AddonImage, type AddonLayer, loadAddon } from './addon.js';
import { DiskImage, type ImageRequest } from './disk-image.js';
import { hypervisorError } from './hypervisor-error.js';

export interface ImageFiles {
  /** Written to if there is no layer. */
  readonly base: number;
  /** From the oldest; the last one is written to. */
  readonly layers: readonly AddonLayer[];
}

export class LayeredImage {
  /** As any other native image. */
  readonly disk: DiskImage;
  private readonly handle: AddonImage;

  /** `bytes` is the disk's size. With `sync` every change is on stable storage when it is done. */
  constructor({ base, layers }: ImageFiles, bytes: number, sync: boolean) {
    const { handle, disk } = guarded(() => loadAddon().layers.openLayers(base, layers, bytes, sync));
    this.handle = handle;
    this.disk = new DiskImage('disk', disk);
  }

  /** An errno; 0 when it is done. */
  perform(request: ImageRequest): number {
    return this.disk.perform(request);
  }

  flush(): void {
    guarded(() => loadAddon().layers.flushImage(this.handle));
  }

  /** Lets its files go, and with them their locks. */
  close(): void {
    this.disk.close();
    guarded(() => loadAddon().layers.closeImage(this.handle));
  }

  push(layer: AddonLayer): void {
    guarded(() => loadAddon().layers.pushLayer(this.handle, layer));
  }

  pop(): void {
    guarded(() => loadAddon().layers.popLayer(this.handle));
  }

  replace(first: number, count: number, layer: AddonLayer): void {
    guarded(() => loadAddon().layers.replaceLayers(this.handle, first, count, layer));
  }
}

function guarded<T>(call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw hypervisorError('disk', cause);
  }
}
