// SPDX-License-Identifier: BSD-2-Clause
/** An image with layers as a guest's disk. Every request is done when `submit` returns. */
import { constants } from 'node:os';
import type { BlockRequest, BlockResult } from '../../../devices/virtio/block-backend.js';
import { LayeredImage } from '../../hypervisor/layered-image.js';
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
  readonly isKept: boolean;
  readonly readOnly: boolean;
  readonly canDiscard: boolean;
  /** What is written to belongs to a snapshot, which looks for changes itself. */
  readonly identity: string;
  readonly capacity: number;
  readonly logicalBlock: number;
  readonly physicalBlock: number;
  private readonly image: LayeredImage;

  /** The disk is this one's from now on. */
  constructor(
    readonly layers: LayeredDisk,
    { sync, logicalBlock, physicalBlock }: LayeredBackendOptions,
  ) {
    this.isKept = !layers.readOnly;
    this.readOnly = layers.readOnly;
    this.canDiscard = !layers.readOnly;
    this.identity = layers.readOnly ? identityOf(layers) : '';
    this.capacity = layers.capacity;
    this.logicalBlock = logicalBlock;
    this.physicalBlock = physicalBlock;
    try {
      this.image = new LayeredImage(layers.files(), layers.capacity, sync);
    } catch (error) {
      layers.close();
      throw error;
    }
    layers.attach(this.image);
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
    if (this.readOnly && request.kind === 'flush') return 'ok';
    const failure = this.image.perform(request) || this.settle(request);
    if (failure === 0) return 'ok';
    return failure === EOPNOTSUPP ? 'unsupported' : 'error';
  }

  private settle(request: BlockRequest): number {
    return 'durable' in request && request.durable ? this.image.perform({ kind: 'flush' }) : 0;
  }
}

function identityOf(layers: LayeredDisk): string {
  const { base, layers: above } = layers.present();
  const { file, identity } = above.at(-1) ?? base;
  return `${layers.capacity} bytes up to ${file} of ${new Date(Number(identity.changed / 1_000_000n)).toISOString()}`;
}
