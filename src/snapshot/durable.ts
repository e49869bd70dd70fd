// SPDX-License-Identifier: BSD-2-Clause
/** Files that are whole on disk once a call returns, and readers that trust no size. */
import { chmodSync, closeSync, constants, fstatSync, fsyncSync, openSync, readSync, type Stats } from 'node:fs';
import { basename } from 'node:path';
import { createNew, withFile, writeSynced } from '../host/durable-files.js';
import { refusing, SnapshotError } from './snapshot-error.js';

export { makeFolders, removeTree, renameDurable, syncFolder, withFile } from '../host/durable-files.js';

export const FINISHED_MODE = 0o400;
const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** Opens a new file for writing; it must not exist. */
export function createFile(path: string): number {
  return refusing(basename(path), () => createNew(path));
}

export function writeDurable(path: string, bytes: Uint8Array): void {
  withFile(createFile(path), (fd) => writeSynced(fd, bytes));
}

/** Nobody writes to the file again. The mode is synced with the folder's commit. */
export function finishFile(path: string): void {
  chmodSync(path, FINISHED_MODE);
  withFile(openSync(path, O_RDONLY | O_NOFOLLOW), fsyncSync);
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
