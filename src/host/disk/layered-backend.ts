// SPDX-License-Identifier: BSD-2-Clause
/** An image with layers as a guest's disk. Every request is done when `submit` returns. */
import { constants } from 'node:os';
import type { BlockRequest, BlockResult } from '../../../devices/virtio/block-backend.js';
import type { AddonLayeredImage } from '../../hypervisor/addon.js';
import { openLayeredImage } from '../../hypervisor/layered-image.js';
import type { KeptDisk } from './kept-disk.js';
import type { LayeredDisk } from './layers/api.js';

const { EOPNOTSUPP } = constants.errno;

export interface LayeredBackendOptions {
  readonly sync: boolean;
  /** Bytes. */
  readonly logicalBlock: number;
  readonly physicalBlock: number;
}

export class LayeredBackend implements KeptDisk {
  readonly isKept = true;
  readonly readOnly = false;
  readonly canDiscard = true;
  /** What it holds belongs to the snapshot, which looks for changes itself. */
  readonly identity = '';
  readonly capacity: number;
  readonly logicalBlock: number;
  readonly physicalBlock: number;
  private readonly image: AddonLayeredImage;

  /** The disk is this one's from now on. */
  constructor(
    readonly layers: LayeredDisk,
    { sync, logicalBlock, physicalBlock }: LayeredBackendOptions,
  ) {
    this.capacity = layers.capacity;
    this.logicalBlock = logicalBlock;
    this.physicalBlock = physicalBlock;
    const files = layers.files();
    const image = openLayeredImage(files.base, files.layers, layers.capacity, sync);
    this.image = image;
    layers.attach({
      flush: () => check(image.flush()),
      push: (layer) => check(image.push(layer)),
      pop: () => image.pop(),
      replace: (first, count, layer) => image.replace(first, count, layer),
    });
  }

  submit(request: BlockRequest): void {
    request.done(this.perform(request));
  }

  wait(): void {
    throw new Error('nothing is in flight in a disk that is done at once');
  }

  close(): void {
    this.image.close();
    this.layers.close();
  }

  private perform(request: BlockRequest): BlockResult {
    const failure = this.change(request) || ('durable' in request && request.durable ? this.image.flush() : 0);
    if (failure === 0) return 'ok';
    return failure === EOPNOTSUPP ? 'unsupported' : 'error';
  }

  private change(request: BlockRequest): number {
    const { image } = this;
    switch (request.kind) {
      case 'read':
        return image.read(request.memory, request.offset);
      case 'write':
        return image.write(request.memory, request.offset);
      case 'flush':
        return image.flush();
      case 'discard':
        return image.discard(request.offset, request.length);
      case 'zero':
        return image.zero(request.offset, request.length, request.unmap);
    }
  }
}

function check(failure: number): void {
  if (failure === 0) return;
  const [code] = Object.entries(constants.errno).find(([, number]) => number === failure) ?? [`errno ${failure}`];
  throw new Error(`cannot write: ${code}`);
}
