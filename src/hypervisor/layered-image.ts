// SPDX-License-Identifier: BSD-2-Clause
/** The native image of a disk with layers. */
import { type AddonImage, type AddonLayer, loadAddon } from './addon.js';
import { hypervisorError } from './hypervisor-error.js';

export interface ImageFiles {
  /** Written to if there is no layer. */
  readonly base: number;
  /** From the oldest; the last one is written to. */
  readonly layers: readonly AddonLayer[];
}

const KINDS = { read: 0, write: 1, flush: 2, discard: 3, zero: 4 } as const;

export interface ImageRequest {
  readonly kind: keyof typeof KINDS;
  readonly offset?: number;
  readonly length?: number;
  readonly memory?: readonly Uint8Array[];
  readonly unmap?: boolean;
}

export class LayeredImage {
  readonly handle: AddonImage;

  /** `bytes` is the disk's size. With `sync` every change is on stable storage when it is done. */
  constructor({ base, layers }: ImageFiles, bytes: number, sync: boolean) {
    this.handle = guarded(() => loadAddon().layers.openLayers(base, layers, bytes, sync));
  }

  /** An errno; 0 when it is done. */
  perform({ kind, offset = 0, length = 0, memory = [], unmap = false }: ImageRequest): number {
    return guarded(() => loadAddon().layers.performRequest(this.handle, KINDS[kind], offset, length, memory, unmap));
  }

  flush(): void {
    guarded(() => loadAddon().layers.flushImage(this.handle));
  }

  /** Lets its files go, and with them their locks. */
  close(): void {
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
