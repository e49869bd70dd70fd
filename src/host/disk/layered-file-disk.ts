// SPDX-License-Identifier: BSD-2-Clause
/** An image file with its layers as a guest's disk. Every request is done when `submit` returns. */
import { constants } from 'node:os';
import type { BlockRequest, BlockResult } from '../../../devices/virtio/block-backend.js';
import { LayeredImage } from '../../hypervisor/layered-image.js';
import type { FileDiskOptions } from './file-disk.js';
import type { KeptDisk } from './kept-disk.js';
import type { LayeredDisk, OpenOptions } from './layers/api.js';
import { identityOf } from './layers/identity.js';
import { openLayered } from './layers/open-disk.js';
import { canPunchHoles } from './libc-file.js';

export class LayeredFileDisk implements KeptDisk {
  readonly isKept: boolean;
  readonly capacity: number;
  readonly readOnly: boolean;
  readonly logicalBlock: number;
  readonly physicalBlock: number;
  readonly canDiscard: boolean;
  readonly identity: string;
  /** What snapshots see of it. */
  readonly layers: LayeredDisk;
  private readonly image: LayeredImage;
  private isOpen = true;

  constructor(
    { path, readOnly, sync, logicalBlock, physicalBlock }: FileDiskOptions,
    opening: Omit<OpenOptions, 'readOnly'> = {},
  ) {
    this.isKept = !readOnly;
    this.readOnly = readOnly;
    this.logicalBlock = logicalBlock;
    this.physicalBlock = physicalBlock;
    this.canDiscard = canPunchHoles && !readOnly;
    this.layers = openLayered(path, { readOnly, ...opening });
    try {
      this.capacity = this.layers.capacity;
      this.identity = readOnly ? identityText(this.layers) : '';
      this.image = new LayeredImage(this.layers.files(), this.capacity, sync && !readOnly);
      this.layers.attach(this.image);
    } catch (error) {
      this.layers.close();
      throw error;
    }
  }

  submit(request: BlockRequest): void {
    request.done(this.perform(request));
  }

  wait(): void {
    throw new Error('nothing is in flight in a file disk');
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    // Which blocks a layer has is written at a flush only. A host that cannot do that now has lost what no guest has flushed.
    if (!this.readOnly) this.image.perform({ kind: 'flush' });
    this.image.close(); // locks go with the last descriptor
    this.layers.close();
  }

  private perform(request: BlockRequest): BlockResult {
    if (request.kind === 'flush') return this.readOnly ? 'ok' : resultOf(this.image.perform({ kind: 'flush' }));
    const result = resultOf(this.image.perform(request));
    const isDurable = request.kind !== 'read' && request.durable;
    return result === 'ok' && isDurable ? resultOf(this.image.perform({ kind: 'flush' })) : result;
  }
}

function resultOf(errno: number): BlockResult {
  if (errno === 0) return 'ok';
  return errno === constants.errno.EOPNOTSUPP ? 'unsupported' : 'error'; // the guest's to deal with, as with a disk that fails
}

/** Of all its files. */
function identityText(disk: LayeredDisk): string {
  const { base, layers } = disk.files();
  return [base, ...layers.map(({ fd }) => fd)]
    .map((fd) => {
      const { bytes, changed } = identityOf(fd);
      return `${bytes} bytes of ${new Date(Number(changed / 1_000_000n)).toISOString()}`;
    })
    .join(' and ');
}
