// SPDX-License-Identifier: BSD-2-Clause
/** The lock in a run folder decides who is alive; everything else there may have been left behind by a dead process. */
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { HostError, systemReason } from '../host/host-error.js';
import { lockFile } from '../hypervisor/ram-files.js';
import { isVmName, type RunPaths, runPaths, runRoot } from './run-paths.js';

export const FOLDER_MODE = 0o700;
export const FILE_MODE = 0o600;
/** Who looks which VMs are alive holds the lock for an instant. */
const LOOKING_MS = 1000;
const LOOK_AGAIN_MS = 2;

export interface Owner {
  readonly alive: boolean;
  /** Null if nobody has written it yet. */
  readonly pid: number | null;
}

/** Who has this name; null if there is not even a folder. */
export function ownerOf(name: string, root = runRoot()): Owner | null {
  const paths = runPaths(name, root);
  const lock = opened(paths.lock);
  if (lock === null) return null;
  try {
    return { alive: !lockFile(lock, 'shared') && isSame(lock, paths.lock), pid: pidIn(paths) };
  } finally {
    closeSync(lock);
  }
}

/** Names of the VMs that are alive. */
export function runningNames(root = runRoot()): string[] {
  let names: string[];
  try {
    names = readdirSync(root);
  } catch {
    return [];
  }
  return names.filter((name) => isVmName(name) && ownerOf(name, root)?.alive === true).sort();
}

/** Takes the name; the descriptor holds it. */
export function takeLock(name: string, paths: RunPaths): number {
  const end = performance.now() + LOOKING_MS;
  for (;;) {
    mkdirSync(paths.folder, { recursive: true, mode: FOLDER_MODE });
    const lock = opened(paths.lock, constants.O_RDWR | constants.O_CREAT);
    if (lock === null) continue; // the folder of an ending VM, gone since
    if (lockFile(lock, 'exclusive')) {
      if (isSame(lock, paths.lock)) return lock;
    } else if (!lockFile(lock, 'shared') || performance.now() > end) {
      closeSync(lock);
      throw new HostError(name, `a VM of this name is running${pidText(paths)}; --name gives this one another`);
    } else {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_AGAIN_MS);
    }
    closeSync(lock);
  }
}

/** Removes what a dead process left behind. False if somebody has the name. */
export function removeDead(name: string, root = runRoot()): boolean {
  const paths = runPaths(name, root);
  const lock = opened(paths.lock);
  if (lock === null) return true;
  try {
    if (!lockFile(lock, 'exclusive')) return false;
    if (isSame(lock, paths.lock)) removeFolder(paths);
    return true;
  } finally {
    closeSync(lock);
  }
}

/** By the holder of the lock. Moved away first, or a new VM of that name could lose the lock it has just made there. */
export function removeFolder({ folder }: RunPaths): void {
  const gone = join(dirname(folder), `.gone-${process.pid}-${basename(folder)}`);
  rmSync(gone, { recursive: true, force: true });
  renameSync(folder, gone);
  // One by one: Node 24 tries to remove a folder as a file first, which the sandbox forbids with an error of its own.
  for (const name of readdirSync(gone)) rmSync(join(gone, name));
  rmdirSync(gone);
}

function pidText(paths: RunPaths): string {
  const pid = pidIn(paths);
  return pid === null ? '' : ` (pid ${pid})`;
}

function pidIn(paths: RunPaths): number | null {
  try {
    const pid = Number(readFileSync(paths.pid, 'latin1'));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
}

/** Null if it is not there. */
function opened(path: string, flags: number = constants.O_RDWR): number | null {
  try {
    return openSync(path, flags | constants.O_NOFOLLOW, FILE_MODE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new HostError(path, systemReason(error), { cause: error });
  }
}

/** Somebody may have removed the file between its opening and its locking; a lock on it is then worth nothing. */
function isSame(fd: number, path: string): boolean {
  const now = statSync(path, { throwIfNoEntry: false });
  const then = fstatSync(fd);
  return now?.ino === then.ino && now.dev === then.dev;
}
