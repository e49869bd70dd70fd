// SPDX-License-Identifier: BSD-2-Clause
/** Disks as the command opens them when nothing more is said, and requests that are done within `submit`. */
import type { BlockBackend, BlockRequest, BlockResult } from '../../../../devices/virtio/block-backend.js';
import type { RawDiskOptions } from '../../../../src/host/disk/raw-disk.js';

export const DEFAULTS: Omit<RawDiskOptions, 'path'> = {
  readOnly: false,
  sync: false,
  noCache: false,
  discard: true,
  logicalBlock: 512,
  physicalBlock: 512,
};

/** Undefined while there is no answer. */
export function ask(disk: BlockBackend, request: BlockRequest): BlockResult | undefined {
  let answer: BlockResult | undefined;
  disk.submit(request, (result) => {
    answer = result;
  });
  return answer;
}

export const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);
