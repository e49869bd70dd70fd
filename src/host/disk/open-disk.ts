// SPDX-License-Identifier: BSD-2-Clause
import { statSync } from 'node:fs';
import type { BlockBackend } from '../../../devices/virtio/block-backend.js';
import { FileDisk, type FileDiskOptions } from './file-disk.js';
import { LayeredFileDisk } from './layered-file-disk.js';

/** Files go through their HEAD; a block device has no place for layers. */
export function openDisk(options: FileDiskOptions): BlockBackend {
  const isFile = statSync(options.path, { throwIfNoEntry: false })?.isFile() ?? false;
  return isFile ? new LayeredFileDisk(options) : new FileDisk(options);
}
