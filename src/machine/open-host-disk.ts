// SPDX-License-Identifier: BSD-2-Clause
/** An image or a block device of this host, or an export of a server, for a guest. */
import type { BlockBackend } from '../../devices/virtio/block-backend.js';
import { type Logger, nullLogger } from '../core/log.js';
import type { DiskQueue } from '../host/disk/disk-queue.js';
import { isNbd } from '../host/disk/nbd-address.js';
import { openNbdDisk } from '../host/disk/nbd-disk.js';
import { isImageFile, openDisk } from '../host/disk/open-disk.js';
import { settleDisk } from '../snapshot/disks/settle-disk.js';
import { ConfigError } from './config-error.js';
import type { DiskOpening } from './machine-disks.js';
import type { DiskConfig } from './virtio-options.js';

/** How its requests are done, and who hears what the host says about them. */
interface DiskWork {
  readonly queue: DiskQueue | null;
  readonly log: Logger;
}

export function openHostDisk(
  config: DiskConfig,
  { resuming = null, at = null }: DiskOpening = {},
  work: DiskWork = { queue: null, log: nullLogger },
): BlockBackend {
  const { path, line, readOnly } = config;
  if (line !== null && (readOnly || !isImageFile(path))) {
    throw new ConfigError(`disk ${path} line`, `'${line}' is a clone's content of an image file that it writes to`);
  }
  if (isNbd(path)) return openNbdDisk(config, work);
  if (!readOnly && isImageFile(path)) settleDisk(path, line, resuming, work.log);
  return openDisk(config, { line, resuming, at }, work);
}
