// SPDX-License-Identifier: BSD-2-Clause
/** Files that are whole on disk once a call returns, and readers that trust no size. */
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  writeSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { refusing, SnapshotError } from './snapshot-error.js';

export const FINISHED_MODE = 0o400;
const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR } = constants;

/** Opens a new file for writing; it must not exist. */
export function createFile(path: string): number {
  return refusing(basename(path), () => openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600));
}

export function writeDurable(path: string, bytes: Uint8Array): void {
  withFile(createFile(path), (fd) => {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
    fsyncSync(fd);
  });
}

/** Nobody writes to the file again. The mode is synced with the folder's commit. */
export function finishFile(path: string): void {
  chmodSync(path, FINISHED_MODE);
  withFile(openSync(path, O_RDONLY | O_NOFOLLOW), fsyncSync);
}

/** Makes a folder and those above it. When this returns none of them is lost in a power failure. */
export function makeFolders(path: string, mode: number): void {
  if (existsSync(path)) return;
  makeFolders(dirname(path), mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (!existsSync(path)) throw error; // or another process has just made it
  }
  syncFolder(dirname(path));
}

export function syncFolder(path: string): void {
  withFile(openSync(path, O_RDONLY | O_DIRECTORY), fsyncSync);
}

/** A rename within one folder that is on disk when this returns; when it throws, the old name is there. */
export function renameDurable(from: string, to: string): void {
  renameSync(from, to);
  try {
    syncFolder(dirname(to));
  } catch (error) {
    renameSync(to, from);
    throw error;
  }
}

/** Removes what nobody needs any more. What this host cannot remove now is left to the next opening of the store. */
export function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // There is nobody to tell: the work that this ends has its own outcome.
  }
}

/** Opens a regular file for reading: no link is followed, and a pipe does not make us wait. */
export function openRegular(path: string, name: string): number {
  const fd = refusing(name, () => openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw new SnapshotError(name, 'expected a regular file');
}

/** The whole file, if it has at most `max` bytes; memory is taken for what is there, not for what is announced. */
export function readBounded(path: string, name: string, max: number): { bytes: Uint8Array; status: Stats } {
  return withFile(openRegular(path, name), (fd) => {
    const status = fstatSync(fd);
    if (status.size > max) throw new SnapshotError(name, `expected at most ${max} bytes, got ${status.size}`);
    const bytes = new Uint8Array(status.size);
    for (let done = 0; done < bytes.length; ) {
      const count = refusing(name, () => readSync(fd, bytes, done, bytes.length - done, done));
      if (count === 0) throw new SnapshotError(name, `ends at byte ${done} of ${bytes.length}`);
      done += count;
    }
    return { bytes, status };
  });
}

export function withFile<T>(fd: number, use: (fd: number) => T): T {
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}
