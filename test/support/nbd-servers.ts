// SPDX-License-Identifier: BSD-2-Clause
/** NBD servers of others, as processes of their own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { temporaryFolder } from './temporary-folder.js';

const children: ChildProcess[] = [];

/** For the name of a test: why it is skipped, if it is. */
export function missing(...programs: readonly string[]): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const absent = programs.filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
  return absent.length > 0 ? ` (skipped: ${absent.join(' and ')} not installed)` : null;
}

export function nbdFolder(): string {
  return temporaryFolder('nbd');
}

/** For `afterEach`. */
export function endServers(): void {
  for (const child of children.splice(0)) child.kill('SIGKILL');
}

/** `words` are the plugin and its parameters, after any filters. */
export async function startNbdkit(socket: string, ...words: readonly string[]): Promise<ChildProcess> {
  return start('nbdkit', socket, ['--exit-with-parent', '--foreground', '--unix', socket, ...words]);
}

/** One nbdkit after the other, each of them killed once it has been asked for a few things; each death is a byte in `deaths`. */
export async function startDyingNbdkit(
  socket: string,
  deaths: string,
  ...words: readonly string[]
): Promise<ChildProcess> {
  const log = `${socket}.log`;
  const asked = 'while [ "$(wc -l < "$log")" -lt 60 ]; do sleep 0.02; done';
  const loop = `log=${log}; while :; do rm -f "$2"; : > "$log"; nbdkit "$@" & ${asked}; kill -9 $!; printf . >> ${deaths}; wait; done`;
  const given = ['--unix', socket, '--exit-with-parent', '--foreground', '--filter=log', ...words, `logfile=${log}`];
  return start('sh', socket, ['-c', loop, 'sh', ...given]);
}

/** Serves an image of QEMU's as the export `disk`. */
export async function startQemuNbd(socket: string, image: string, ...words: readonly string[]): Promise<ChildProcess> {
  return start('qemu-nbd', socket, ['--persistent', '--socket', socket, '--export-name', 'disk', ...words, image]);
}

export function makeQcow2(path: string, bytes: number): void {
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path, String(bytes)]);
}

async function start(program: string, socket: string, words: readonly string[]): Promise<ChildProcess> {
  rmSync(socket, { force: true }); // of one that was killed
  const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  children.push(child);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  while (!(await answers(socket))) {
    const ended = child.exitCode ?? child.signalCode;
    if (ended !== null) throw new Error(`${program} ended with ${ended}: ${said}`);
  }
  return child;
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket);
    const settle = (result: boolean): void => {
      probe.destroy();
      if (result) resolve(true);
      else setTimeout(resolve, 5, false);
    };
    probe.on('connect', () => settle(true));
    probe.on('error', () => settle(false));
  });
}
