// SPDX-License-Identifier: BSD-2-Clause
/** Runs a life of test/crash/support/vm-disk-lives.ts, kills it at a call or makes that fail, and looks at what is left. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../../src/hypervisor/package-root.js';
import { DISK_BYTES } from '../../support/disk-guest.js';
import { SCRATCH, WatchedFolder } from './shim.js';
import { examineDisks } from './vm-disk-examine.js';
import { imagesIn, storeIn } from './vm-disk-lives.js';

const PROGRAM = join(packageRoot(), 'dist/test/crash/support/vm-disk-lives.js');

function run(
  folder: WatchedFolder,
  life: string,
  environment: Record<string, string> = {},
): { signal: string | null; said: string } {
  for (const image of imagesIn(folder.root)) writeFileSync(image, Buffer.alloc(DISK_BYTES));
  mkdirSync(storeIn(folder.root), { mode: 0o700 });
  const { signal, status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, life, folder.root], {
    env: { ...process.env, ...folder.environment, ...environment },
    encoding: 'utf8',
  });
  if (signal === null && status !== 0) throw new Error(`${life}: ${stdout}${stderr}`);
  return { signal, said: stdout };
}

/** How many calls of it change something. What it leaves when nobody kills it is right, too. */
export function callsOf(life: string, parent = SCRATCH): number {
  const folder = new WatchedFolder(parent);
  try {
    const { said } = run(folder, life);
    const calls = folder.callsMade;
    examineDisks(folder.root, said);
    return calls;
  } finally {
    folder.remove();
  }
}

/** What a live snapshot does beside its guest takes more or fewer calls, so the last ones need not come. */
export function killedAt(life: string, call: number, parent = SCRATCH): void {
  const folder = new WatchedFolder(parent);
  try {
    folder.killAt(call);
    const { signal, said } = run(folder, life);
    if (signal !== 'SIGKILL' && folder.callsMade >= call) throw new Error('it was not killed');
    examineDisks(folder.root, said);
  } catch (cause) {
    throw new Error(`${life}, killed at call ${call}: ${(cause as Error).message}`, { cause });
  } finally {
    folder.remove();
  }
}

export interface Fault {
  readonly step: number;
  readonly call: number;
  readonly error: 'EIO' | 'ENOSPC';
}

/**
 * The n-th call of a step of the life fails: that is one error, or the step does without it, and what is left is right. False
 * if the step has fewer calls, or the life fewer steps.
 */
export function failedAt(life: string, { step, call, error }: Fault, parent = SCRATCH): boolean {
  const folder = new WatchedFolder(parent);
  try {
    const fault = `${step} ${call} ${constants.errno[error]} ${error === 'EIO' ? 'once' : 'full'}`;
    const { said } = run(folder, life, { VM_DISK_FAULT: fault });
    examineDisks(folder.root, said);
    return folder.hadFault;
  } catch (cause) {
    throw new Error(`${life}, ${error} in call ${call} of step ${step}: ${(cause as Error).message}`, { cause });
  } finally {
    folder.remove();
  }
}
