// SPDX-License-Identifier: BSD-2-Clause
/** Snapshots and suspends of a running Debian by the command's own means. Uses dist. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { PROGRAM } from '../../cli/support/run.js';
import type { DebianGuest } from './debian-guest.js';
import { checkCrashedFileSystem } from './disk-image.js';

const SUSPENDED = 5;

/** Asks for a snapshot and answers its name when it is on disk; the guest goes on. */
export async function snapshot({ run }: DebianGuest): Promise<string> {
  return saved(run, 'SIGUSR2', /^tsbhyve: snapshot (\S+):.*\n/m);
}

/** The guest is in the store when this is done, and its process has ended. */
export async function suspend({ run }: DebianGuest): Promise<string> {
  const name = await saved(run, 'SIGUSR1', /^tsbhyve: suspended as (\S+):.*\n/m);
  const { status } = await run.end();
  if (status !== SUSPENDED) throw new Error(`the suspend ended with status ${status}: ${run.err}`);
  return name;
}

async function saved(run: DebianGuest['run'], signal: NodeJS.Signals, line: RegExp): Promise<string> {
  run.err = '';
  run.child.kill(signal);
  await run.until(() => line.test(run.err) || /cannot/.test(run.err));
  const [, name] = line.exec(run.err) ?? [];
  if (name === undefined) throw new Error(`${signal}: ${run.err}`);
  return name;
}

/** Runs the command to its end and answers what it printed. */
export function command(...words: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...words], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`tsbhyve ${words.join(' ')} ended with status ${status}: ${stdout}${stderr}`);
  return stdout;
}

/**
 * The disk as a snapshot has it, mounted as it is there, is as sound as after a power cut. A suspend has no copy of it: until
 * its machine goes on the disk itself is what it had, and `snapshotName` is null.
 */
export function checkDiskOf(snapshotName: string | null, disk: string, folder: string): void {
  const copy = join(folder, 'exported.img');
  rmSync(copy, { force: true });
  command('disk', 'export', disk, copy, ...(snapshotName === null ? [] : ['--snapshot', snapshotName]));
  checkCrashedFileSystem(copy);
  rmSync(copy);
}
