// SPDX-License-Identifier: BSD-2-Clause
/** `$TSBHYVE_RUN/NAME`, where a running VM is found: its lock, process id, control socket and console socket. */
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { HostError } from '../host/host-error.js';
import { UsageError } from './usage-error.js';

/** As the machine's configuration has it (src/machine/config.ts): no name leads out of the folder. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
/** sizeof(sun_path) without its final zero: unix(7) on Linux, unix(4) on FreeBSD. */
const LONGEST_SOCKET_PATH = process.platform === 'freebsd' ? 103 : 107;

export interface RunPaths {
  readonly folder: string;
  readonly lock: string;
  readonly pid: string;
  readonly control: string;
  readonly console: string;
  /** What a VM that was suspended had written on its detached console and nobody has read. */
  readonly output: string;
}

export function runRoot(environment = process.env, user = process.getuid?.()): string {
  // The XDG base directory specification: an empty value counts as none.
  if (environment.TSBHYVE_RUN) return resolve(environment.TSBHYVE_RUN);
  if (user === 0) return '/var/run/tsbhyve';
  if (environment.XDG_RUNTIME_DIR) return join(environment.XDG_RUNTIME_DIR, 'tsbhyve');
  return join(tmpdir(), `tsbhyve-${user}`);
}

export function isVmName(name: string): boolean {
  return NAME.test(name);
}

export function runPaths(name: string, root = runRoot()): RunPaths {
  if (!isVmName(name)) {
    throw new UsageError('name', `"${name}": 1 to 64 letters, digits, and _ . - after the first are accepted`);
  }
  const folder = join(root, name);
  const [control, console] = [join(folder, 'control'), join(folder, 'console')];
  refuseLongPath(control);
  refuseLongPath(console);
  return {
    folder,
    control,
    console,
    lock: join(folder, 'lock'),
    pid: join(folder, 'pid'),
    output: join(folder, 'output'),
  };
}

function refuseLongPath(path: string): void {
  const length = Buffer.byteLength(path);
  if (length <= LONGEST_SOCKET_PATH) return;
  throw new HostError(
    path,
    `has ${length} bytes, and a socket's name has at most ${LONGEST_SOCKET_PATH}: choose a shorter TSBHYVE_RUN`,
  );
}
