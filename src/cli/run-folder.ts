// SPDX-License-Identifier: BSD-2-Clause
/**
 * `$TSBHYVE_RUN/NAME`, where a running VM is found: its lock, process id, control socket and console socket. The lock
 * decides who is alive; everything else may have been left behind by a dead process.
 */
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { HostError, systemReason } from '../host/host-error.js';
import { lockFile } from '../hypervisor/ram-files.js';
import { UsageError } from './usage-error.js';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
/** As the machine's configuration has it (src/machine/config.ts): no name leads out of the folder. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
/** sizeof(sun_path) without its final zero: unix(7) on Linux, unix(4) on FreeBSD. */
const LONGEST_SOCKET_PATH = process.platform === 'freebsd' ? 103 : 107;
/** tsbhyvectl holds the lock for an instant when it looks who is alive. */
const LOOKING_MS = 1000;
const LOOK_AGAIN_MS = 2;

const FILES = { lock: 'lock', pid: 'pid', control: 'control', console: 'console' } as const;

export interface RunPaths {
  readonly folder: string;
  readonly lock: string;
  readonly pid: string;
  readonly control: string;
  readonly console: string;
}

export function runRoot(environment = process.env, user = process.getuid?.()): string {
  if (environment.TSBHYVE_RUN) return resolve(environment.TSBHYVE_RUN);
  if (user === 0) return '/var/run/tsbhyve';
  if (environment.XDG_RUNTIME_DIR) return join(environment.XDG_RUNTIME_DIR, 'tsbhyve');
  return join(tmpdir(), `tsbhyve-${user}`);
}

export function runPaths(name: string, root = runRoot()): RunPaths {
  if (!NAME.test(name)) {
    throw new UsageError('name', `"${name}": 1 to 64 letters, digits, and _ . - after the first are accepted`);
  }
  const path = (file: string): string => join(root, name, file);
  return {
    folder: join(root, name),
    lock: path(FILES.lock),
    pid: path(FILES.pid),
    control: path(FILES.control),
    console: path(FILES.console),
  };
}

/** A name that this process has. Nobody else runs a VM of that name until it is released. */
export class RunFolder {
  private constructor(
    readonly name: string,
    readonly paths: RunPaths,
    private readonly lock: number,
  ) {}

  /** Refuses a name whose VM is alive. Of a dead one everything is removed. */
  static claim(name: string, root = runRoot()): RunFolder {
    const paths = runPaths(name, root);
    refuseLongPath(paths.console);
    refuseLongPath(paths.control);
    try {
      ownFolder(root);
      const lock = takeLock(name, paths);
      for (const file of [paths.control, paths.console]) rmSync(file, { force: true });
      writeFileSync(paths.pid, `${process.pid}\n`, { mode: FILE_MODE });
      return new RunFolder(name, paths, lock);
    } catch (cause) {
      if (cause instanceof HostError) throw cause;
      throw new HostError(paths.folder, `cannot be the run folder: ${systemReason(cause)}; TSBHYVE_RUN names another`, {
        cause,
      });
    }
  }

  /** The lock goes last, so that whoever waits for it finds a clean place. */
  release(): void {
    removeFolder(this.paths.folder);
    closeSync(this.lock);
  }
}

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
    const alive = !lockFile(lock, 'shared') && isSame(lock, paths.lock);
    return { alive, pid: pidIn(paths) };
  } finally {
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
    if (isSame(lock, paths.lock)) removeFolder(paths.folder);
    return true;
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
  return names.filter((name) => NAME.test(name) && ownerOf(name, root)?.alive === true).sort();
}

/** Moved away first, or a new VM of that name could lose the lock it has just made there. */
function removeFolder(folder: string): void {
  const gone = join(dirname(folder), `.gone-${process.pid}-${basename(folder)}`);
  rmSync(gone, { recursive: true, force: true });
  renameSync(folder, gone);
  rmSync(gone, { recursive: true, force: true });
}

function takeLock(name: string, paths: RunPaths): number {
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
    throw error;
  }
}

/** Somebody may have removed the file between its opening and its locking; a lock on it is then worth nothing. */
function isSame(fd: number, path: string): boolean {
  const now: Stats | undefined = statSync(path, { throwIfNoEntry: false });
  const then = fstatSync(fd);
  return now?.ino === then.ino && now.dev === then.dev;
}

/** Whoever may write there could put a socket of their own in a VM's place. */
function ownFolder(root: string): void {
  mkdirSync(root, { recursive: true, mode: FOLDER_MODE });
  const { uid, mode } = statSync(root);
  if (uid === process.getuid?.() && (mode & 0o022) === 0) return;
  throw new HostError(root, 'somebody else may write to this folder; expected one of your own as TSBHYVE_RUN');
}

function refuseLongPath(path: string): void {
  const length = Buffer.byteLength(path);
  if (length <= LONGEST_SOCKET_PATH) return;
  throw new HostError(
    path,
    `has ${length} bytes, and a socket's name has at most ${LONGEST_SOCKET_PATH}: choose a shorter TSBHYVE_RUN`,
  );
}
