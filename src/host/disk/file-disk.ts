// SPDX-License-Identifier: BSD-2-Clause
/** A raw image file or a block device of the host as a guest's disk. Every request is done when `submit` returns. */
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  openSync,
  readFileSync,
  readvSync,
  type Stats,
  writevSync,
} from 'node:fs';
import type { BlockBackend, BlockRequest, BlockResult } from '../../../devices/virtio/block-backend.js';
import { HostError, systemReason } from '../host-error.js';
import { canPunchHoles, lockFile, punchHole } from './libc-file.js';

const SECTOR = 512;
const ZEROS = new Uint8Array(1024 * 1024);

export interface FileDiskOptions {
  readonly path: string;
  readonly readOnly: boolean;
  /** Every write is on stable storage when it is done. */
  readonly sync: boolean;
  /** Bytes. */
  readonly logicalBlock: number;
  readonly physicalBlock: number;
}

export class FileDisk implements BlockBackend {
  readonly capacity: number;
  readonly readOnly: boolean;
  readonly logicalBlock: number;
  readonly physicalBlock: number;
  readonly canDiscard: boolean;
  readonly identity: string;
  private readonly fd: number;
  private isOpen = true;
  /** What a failed flush has lost cannot be flushed any more, so no later one may succeed. */
  private hasLostWrites = false;

  constructor({ path, readOnly, sync, logicalBlock, physicalBlock }: FileDiskOptions) {
    this.readOnly = readOnly;
    this.logicalBlock = logicalBlock;
    this.physicalBlock = physicalBlock;
    const access = readOnly ? constants.O_RDONLY : constants.O_RDWR;
    try {
      this.fd = openSync(path, access | (sync ? constants.O_SYNC : 0));
    } catch (cause) {
      throw new HostError(`disk ${path}`, `cannot open it: ${systemReason(cause)}`, { cause });
    }
    try {
      if (!lockFile(this.fd, !readOnly)) {
        throw new HostError(`disk ${path}`, 'in use by another VM; one may write to it, or several may read it');
      }
      const stats = fstatSync(this.fd);
      this.capacity = capacityOf(path, stats);
      this.canDiscard = canPunchHoles && stats.isFile() && !readOnly;
      this.identity = readOnly ? `${stats.size} bytes of ${stats.mtime.toISOString()}` : '';
    } catch (error) {
      closeSync(this.fd);
      throw error;
    }
  }

  submit(request: BlockRequest): void {
    request.done(this.perform(request));
  }

  wait(): void {
    throw new Error('nothing is in flight in a file disk');
  }

  close(): void {
    if (this.isOpen) closeSync(this.fd);
    this.isOpen = false;
  }

  private perform(request: BlockRequest): BlockResult {
    try {
      switch (request.kind) {
        case 'read':
          transfer((views, at) => readvSync(this.fd, views, at), request.memory, request.offset);
          return 'ok';
        case 'write':
          this.write(request.memory, request.offset);
          return this.settle(request.durable);
        case 'flush':
          return this.flush();
        case 'discard':
          if (!punchHole(this.fd, request.offset, request.length)) return 'unsupported';
          return this.settle(request.durable);
        case 'zero':
          this.zero(request.offset, request.length, request.unmap);
          return this.settle(request.durable);
      }
    } catch {
      return 'error'; // the guest's to deal with, as with a disk that fails
    }
  }

  private write(memory: readonly Uint8Array[], offset: number): void {
    transfer((views, at) => writevSync(this.fd, views, at), memory, offset);
  }

  private zero(offset: number, length: number, unmap: boolean): void {
    if (unmap && this.canDiscard && punchHole(this.fd, offset, length)) return;
    for (let done = 0; done < length; done += ZEROS.length) {
      this.write([ZEROS.subarray(0, length - done)], offset + done);
    }
  }

  private settle(durable: boolean): BlockResult {
    return durable ? this.flush() : 'ok';
  }

  private flush(): BlockResult {
    if (this.readOnly) return 'ok';
    if (this.hasLostWrites) return 'error';
    this.hasLostWrites = true;
    fdatasyncSync(this.fd);
    this.hasLostWrites = false;
    return 'ok';
  }
}

function capacityOf(path: string, stats: Stats): number {
  const bytes = stats.isBlockDevice() ? blockDeviceSize(path, stats.rdev) : stats.isFile() ? stats.size : -1;
  if (bytes < 0) throw new HostError(`disk ${path}`, 'not a disk; a raw image file or a block device is accepted');
  const capacity = bytes - (bytes % SECTOR);
  if (capacity === 0) throw new HostError(`disk ${path}`, `${bytes} bytes; at least ${SECTOR} are accepted`);
  return capacity;
}

/** Linux: the size in sectors of 512 bytes, under the device's number. */
function blockDeviceSize(path: string, rdev: number): number {
  const major = ((rdev >>> 8) & 0xfff) | (Math.floor(rdev / 2 ** 32) & ~0xfff);
  const minor = (rdev & 0xff) | ((rdev >>> 12) & ~0xff & 0xfffff);
  try {
    return SECTOR * Number(readFileSync(`/sys/dev/block/${major}:${minor}/size`, 'ascii'));
  } catch (cause) {
    throw new HostError(`disk ${path}`, `cannot tell its size: ${systemReason(cause)}`, { cause });
  }
}

type Move = (views: readonly NodeJS.ArrayBufferView[], position: number) => number;

/** The system may move less than it was asked to. */
function transfer(move: Move, memory: readonly Uint8Array[], offset: number): void {
  let views = memory.filter(({ length }) => length > 0);
  for (let position = offset; views.length > 0; ) {
    const moved = move(views, position);
    if (moved === 0) throw new Error(`the disk ends at ${position}`);
    position += moved;
    views = rest(views, moved);
  }
}

function rest(views: readonly Uint8Array[], moved: number): Uint8Array[] {
  let skip = moved;
  return views.flatMap((view) => {
    const left = view.subarray(Math.min(skip, view.length));
    skip -= view.length - left.length;
    return left.length > 0 ? [left] : [];
  });
}
