// SPDX-License-Identifier: BSD-2-Clause
import { existsSync, statSync } from 'node:fs';
import type { BlockBackend } from '../../../devices/virtio/block-backend.js';
import { HostError } from '../host-error.js';
import type { ImageBackendOptions } from './image-backend.js';
import { LayeredFileDisk, type LayeredOpening } from './layered-file-disk.js';
import { LayerFolder } from './layers/folder.js';
import { openRawDisk, type RawDiskOptions } from './raw-disk.js';

/** What an image file has and a block device has not: it is opened through its HEAD. */
export function isImageFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** A block device has no place for layers, and what is read past the host's cache has none. */
export function openDisk(
  options: RawDiskOptions,
  opening: LayeredOpening = {},
  backend: ImageBackendOptions = {},
): BlockBackend {
  const { path, noCache } = options;
  if (!isImageFile(path)) return openRawDisk(options, backend);
  if (!noCache) return LayeredFileDisk.open(options, opening, backend);
  const { root } = new LayerFolder(path);
  if (!existsSync(root)) return openRawDisk(options, backend);
  throw new HostError(`disk ${path}`, `its layers (${root}) go through the host's cache: leave out nocache`);
}
