// SPDX-License-Identifier: BSD-2-Clause
/** An image or a block device of this host, for a guest. */
import { statSync } from 'node:fs';
import type { BlockBackend } from '../../devices/virtio/block-backend.js';
import type { Logger } from '../core/log.js';
import { FileDisk } from '../host/disk/file-disk.js';
import { settleDisk } from '../snapshot/disks/settle-disk.js';
import type { DiskOpening } from './machine-disks.js';
import type { DiskConfig } from './virtio-options.js';

export function openHostDisk(config: DiskConfig, { resuming = null, at = null }: DiskOpening, log: Logger): BlockBackend {
  const { path, line, readOnly } = config;
  // TODO: layered
  if (readOnly) return new FileDisk(config);
  settleDisk(path, line, resuming, log);
  return new FileDisk(config);
}
