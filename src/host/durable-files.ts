// SPDX-License-Identifier: BSD-2-Clause
/** Files and names that are on disk once a call returns. */
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { ignoringFailure } from './ignoring-failure.js';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR } = constants;

/** Opens a new file for writing; it must not exist. */
export function createNew(path: string): number {
  return openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
}

/** Its name is on disk with the next `syncFolder`. */
export function writeNew(path: string, bytes: Uint8Array): void {
  withFile(createNew(path), (fd) => writeSynced(fd, bytes));
}

export function writeSynced(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  fsyncSync(fd);
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

/** Removes what nobody needs any more. What this host cannot remove now is left to the next cleaning. */
export function removeTree(path: string): void {
  ignoringFailure(() => rmSync(path, { recursive: true, force: true }));
}

export function withFile<T>(fd: number, use: (fd: number) => T): T {
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}
