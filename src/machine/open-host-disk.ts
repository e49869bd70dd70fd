// SPDX-License-Identifier: BSD-2-Clause
/** An image or a block device of this host, for a guest. */
import { statSync } from 'node:fs';
import type { BlockBackend } from '../../devices/virtio/block-backend.js';
import type { Logger } from '../core/log.js';
import { FileDisk } from '../host/disk/file-disk.js';
import { LayeredBackend } from '../host/disk/layered-backend.js';
import { diskLayers } from '../host/disk/layers/disk-layers.js';
import { settleDisk } from '../snapshot/disks/settle-disk.js';
import { ConfigError } from './config-error.js';
import type { DiskOpening } from './machine-disks.js';
import type { DiskConfig } from './virtio-options.js';

export function openHostDisk(
  config: DiskConfig,
  { resuming = null, at = null }: DiskOpening,
  log: Logger,
): BlockBackend {
  const { path, line, readOnly } = config;
  if (line !== null && readOnly) throw new ConfigError(`disk ${path} line`, `'${line}' is written to; leave ro out`);
  const isImage = statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  if (!isImage || (readOnly && !diskLayers.isLayered(path))) return new FileDisk(config);
  if (!readOnly) settleDisk(path, line, resuming, log);
  return new LayeredBackend(diskLayers.open(path, { readOnly, line, resuming, at }), config);
}
