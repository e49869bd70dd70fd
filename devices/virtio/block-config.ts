// SPDX-License-Identifier: BSD-2-Clause
/** Features and configuration registers of the block device. Reference: VIRTIO-1.2 §5.2.3 and §5.2.4. */

import { RegisterMap } from '../../src/core/register-map.js';
import { bool } from '../../src/core/state-fields.js';
import type { BlockBackend } from './block-backend.js';

export const BlockFeature = {
  SIZE_MAX: 1n << 1n,
  SEG_MAX: 1n << 2n,
  GEOMETRY: 1n << 4n,
  RO: 1n << 5n,
  BLK_SIZE: 1n << 6n,
  FLUSH: 1n << 9n,
  TOPOLOGY: 1n << 10n,
  CONFIG_WCE: 1n << 11n,
  MQ: 1n << 12n,
  DISCARD: 1n << 13n,
  WRITE_ZEROES: 1n << 14n,
} as const;

export const SECTOR = 512;
/** As on bhyve; two descriptors are for header and status. */
export const QUEUE_SIZE = 128;
const SEGMENTS = QUEUE_SIZE - 2;
const SEGMENT_SIZE = 256 * 1024;
/** The longest transfer that keeps to the limits above. */
export const MOST_BYTES = SEGMENTS * SEGMENT_SIZE;
/** As on bhyve: 16 MiB. */
export const MOST_RANGE_SECTORS = 0x8000;

/** 16 bits hold so many; the rest of a large disk has no place in this geometry. */
const CYLINDERS_END = 0xffff;
const HEADS = 16;
const SECTORS = 63;

export const BLOCK_CONFIG_LENGTH = 60;

export const blockConfigFields = {
  writeCache: bool({ initial: true, doc: 'as set through the configuration' }),
};

interface ConfigState {
  writeCache: boolean;
}

export interface BlockConfigOwner {
  readonly backend: BlockBackend;
  readonly queueCount: number;
  setWriteCache(on: boolean): void;
}

export function blockFeatures({ readOnly, canDiscard }: BlockBackend, queues: number): bigint {
  const { SIZE_MAX, SEG_MAX, GEOMETRY, RO, BLK_SIZE, FLUSH, TOPOLOGY, CONFIG_WCE, MQ, DISCARD, WRITE_ZEROES } =
    BlockFeature;
  const always = SIZE_MAX | SEG_MAX | GEOMETRY | BLK_SIZE | FLUSH | TOPOLOGY | CONFIG_WCE;
  const writing = readOnly ? RO : WRITE_ZEROES | (canDiscard ? DISCARD : 0n);
  return always | writing | (queues > 1 ? MQ : 0n);
}

const ratio = ({ backend: { logicalBlock, physicalBlock } }: BlockConfigOwner): number =>
  Math.max(1, physicalBlock / logicalBlock);

export const blockConfig = new RegisterMap<ConfigState, BlockConfigOwner>(
  {},
  1,
  [
    { at: 0, width: 8, name: 'capacity', readOnly: true, get: (_, { backend }) => BigInt(backend.capacity / SECTOR) },
    { at: 8, width: 4, name: 'size_max', readOnly: true, get: () => SEGMENT_SIZE },
    { at: 12, width: 4, name: 'seg_max', readOnly: true, get: () => SEGMENTS },
    {
      at: 16,
      width: 2,
      name: 'cylinders',
      readOnly: true,
      get: (_, { backend }) => Math.min(CYLINDERS_END, Math.floor(backend.capacity / SECTOR / HEADS / SECTORS)),
    },
    { at: 18, name: 'heads', readOnly: true, get: () => HEADS },
    { at: 19, name: 'sectors', readOnly: true, get: () => SECTORS },
    { at: 20, width: 4, name: 'blk_size', readOnly: true, get: (_, { backend }) => backend.logicalBlock },
    { at: 24, name: 'physical_block_exp', readOnly: true, get: (_, owner) => Math.log2(ratio(owner)) },
    { at: 25, name: 'alignment_offset', readOnly: true, get: () => 0 },
    { at: 26, width: 2, name: 'min_io_size', readOnly: true, get: (_, owner) => ratio(owner) },
    { at: 28, width: 4, name: 'opt_io_size', readOnly: true, get: () => 0 },
    {
      at: 32,
      name: 'writeback',
      get: ({ writeCache }) => Number(writeCache),
      set: (_, value, owner) => owner.setWriteCache((value & 1) !== 0),
    },
    { at: 34, width: 2, name: 'num_queues', readOnly: true, get: (_, { queueCount }) => queueCount },
    { at: 36, width: 4, name: 'max_discard_sectors', readOnly: true, get: () => MOST_RANGE_SECTORS },
    { at: 40, width: 4, name: 'max_discard_seg', readOnly: true, get: () => 1 },
    {
      at: 44,
      width: 4,
      name: 'discard_sector_alignment',
      readOnly: true,
      get: (_, { backend }) => backend.logicalBlock / SECTOR,
    },
    { at: 48, width: 4, name: 'max_write_zeroes_sectors', readOnly: true, get: () => MOST_RANGE_SECTORS },
    { at: 52, width: 4, name: 'max_write_zeroes_seg', readOnly: true, get: () => 1 },
    {
      at: 56,
      name: 'write_zeroes_may_unmap',
      readOnly: true,
      get: (_, { backend }) => Number(backend.canDiscard),
    },
  ],
  { unmapped: 0 },
);
