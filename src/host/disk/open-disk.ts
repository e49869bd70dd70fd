// SPDX-License-Identifier: BSD-2-Clause
import { statSync } from 'node:fs';
import type { BlockBackend } from '../../../devices/virtio/block-backend.js';
import { FileDisk, type FileDiskOptions } from './file-disk.js';
import { LayeredFileDisk } from './layered-file-disk.js';
import type { OpenOptions } from './layers/api.js';

/** What an image file has and a block device has not: it is opened through its HEAD. */
export function isImageFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** A block device has no place for layers. */
export function openDisk(options: FileDiskOptions, opening: Omit<OpenOptions, 'readOnly'> = {}): BlockBackend {
  return isImageFile(options.path) ? new LayeredFileDisk(options, opening) : new FileDisk(options);
}
