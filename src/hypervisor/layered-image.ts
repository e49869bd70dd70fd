// SPDX-License-Identifier: BSD-2-Clause
/** The native image of a disk with layers. */
import { type AddonLayer, type AddonLayeredDisk, loadAddon } from './addon.js';
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
  private readonly addon: AddonLayeredDisk;

  /** `bytes` is the disk's size. With `sync` every change is on stable storage when it is done. */
  constructor({ base, layers }: ImageFiles, bytes: number, sync: boolean) {
    this.addon = guarded(() => loadAddon().layers.openLayers(base, layers, bytes, sync));
    this.disk = new DiskImage('disk', this.addon);
  }

  /** An errno; 0 when it is done. */
  perform(request: ImageRequest): number {
    return this.disk.perform(request);
  }

  flush(): void {
    guarded(() => this.addon.flush());
  }

  /** Lets its files go, and with them their locks. */
  close(): void {
    this.disk.close();
  }

  push(layer: AddonLayer): void {
    guarded(() => this.addon.push(layer));
  }

  pop(): void {
    guarded(() => this.addon.pop());
  }

  replace(first: number, count: number, layer: AddonLayer): void {
    guarded(() => this.addon.replace(first, count, layer));
  }
}

function guarded<T>(call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw hypervisorError('disk', cause);
  }
}
