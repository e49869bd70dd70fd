// SPDX-License-Identifier: BSD-2-Clause
/** Opens a raw image file or a block device of the host as a guest's disk. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { openRawImage, type RawImage } from '../../hypervisor/disk-image.js';
import { lockFile } from '../../hypervisor/ram-files.js';
import { HostError, systemReason } from '../host-error.js';
import { ImageBackend, type ImageBackendOptions } from './image-backend.js';

export interface RawDiskOptions {
  readonly path: string;
  readonly readOnly: boolean;
  /** Every write is on stable storage when it is done (O_SYNC). */
  readonly sync: boolean;
  /** Past the host's cache (O_DIRECT). */
  readonly noCache: boolean;
  /** The guest may give space back. */
  readonly discard: boolean;
  /** Bytes. */
  readonly logicalBlock: number;
  readonly physicalBlock: number;
}

export function openRawDisk(options: RawDiskOptions, backend: ImageBackendOptions = {}): ImageBackend {
  const { path, readOnly, noCache, discard, logicalBlock, physicalBlock } = options;
  const name = `disk ${path}`;
  const fd = openFile(name, options);
  try {
    if (!lockFile(fd, readOnly ? 'shared' : 'exclusive')) {
      throw new HostError(name, 'in use by another VM; one may write to it, or several may read it');
    }
    const raw = openImage(name, fd, noCache);
    const { size, mtime } = fstatSync(fd);
    const facts = {
      name,
      capacity: raw.capacity,
      readOnly,
      logicalBlock,
      physicalBlock,
      canDiscard: raw.canDiscard && discard && !readOnly,
      identity: readOnly ? `${size} bytes of ${mtime.toISOString()}` : '',
    };
    return new ImageBackend(raw.image, facts, backend);
  } finally {
    closeSync(fd); // the image works on a duplicate
  }
}

function openFile(name: string, { path, readOnly, sync, noCache }: RawDiskOptions): number {
  const access = readOnly ? constants.O_RDONLY : constants.O_RDWR;
  const { O_SYNC, O_DIRECT, O_NONBLOCK } = constants;
  try {
    // O_NONBLOCK: a named pipe must not be waited for.
    return openSync(path, access | O_NONBLOCK | (sync ? O_SYNC : 0) | (noCache ? O_DIRECT : 0));
  } catch (cause) {
    const isRefused = noCache && (cause as { code?: unknown }).code === 'EINVAL';
    const reason = isRefused ? 'its file system cannot do without the cache: leave out nocache' : systemReason(cause);
    throw new HostError(name, `cannot open it: ${reason}`, { cause });
  }
}

function openImage(name: string, fd: number, noCache: boolean): RawImage {
  try {
    return openRawImage(name, fd, noCache);
  } catch (cause) {
    throw new HostError(name, cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
