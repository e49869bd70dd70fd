// SPDX-License-Identifier: BSD-2-Clause
/** An image file with its layers as a guest's disk. */
import { LayeredImage } from '../../hypervisor/layered-image.js';
import { ImageBackend, type ImageBackendOptions } from './image-backend.js';
import type { KeptDisk } from './kept-disk.js';
import type { LayeredDisk, OpenOptions } from './layers/api.js';
import { identityOf } from './layers/identity.js';
import { openLayered } from './layers/open-disk.js';
import type { RawDiskOptions } from './raw-disk.js';

const CAN_PUNCH_HOLES = process.platform === 'linux';

export type LayeredOpening = Omit<OpenOptions, 'readOnly'>;

export class LayeredFileDisk extends ImageBackend implements KeptDisk {
  readonly isKept: boolean;
  private isOpen = true;

  private constructor(
    /** What snapshots see of it. */
    readonly layers: LayeredDisk,
    private readonly layered: LayeredImage,
    { readOnly, discard, logicalBlock, physicalBlock }: RawDiskOptions,
    backend: ImageBackendOptions,
  ) {
    const facts = {
      name: `disk ${layers.path}`,
      capacity: layers.capacity,
      readOnly,
      logicalBlock,
      physicalBlock,
      canDiscard: CAN_PUNCH_HOLES && discard && !readOnly,
      // What is written to belongs to a snapshot, which looks for changes itself.
      identity: readOnly ? identityText(layers) : '',
    };
    super(layered.disk, facts, backend);
    this.isKept = !readOnly;
  }

  static open(
    options: RawDiskOptions,
    opening: LayeredOpening = {},
    backend: ImageBackendOptions = {},
  ): LayeredFileDisk {
    const { path, readOnly, sync } = options;
    const layers = openLayered(path, { readOnly, ...opening });
    try {
      const layered = new LayeredImage(layers.files(), layers.capacity, sync && !readOnly);
      layers.attach(layered);
      return new LayeredFileDisk(layers, layered, options, backend);
    } catch (error) {
      layers.close();
      throw error;
    }
  }

  override close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    // Which blocks a layer has is written at a flush only. A host that cannot do that now has lost what no guest has flushed.
    if (!this.readOnly) this.layered.perform({ kind: 'flush' });
    this.layered.close(); // locks go with the last descriptor
    this.layers.close();
  }
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
