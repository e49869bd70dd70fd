// SPDX-License-Identifier: BSD-2-Clause
/** The part of `npm run quickstart` that comes after the build: a guest, and tsbhyve to run it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder, type Guest, guestIn } from './guest.js';
import { play } from './play.js';
import type { Step } from './tools.js';

/** A kernel that panics reboots at once, which ends tsbhyve, instead of standing still. */
const COMMAND_LINE = 'console=ttyS0 panic=-1';

const SUSPENDED = 5;
const ENDS: Readonly<Record<number, string>> = {
  0: 'the guest rebooted',
  1: 'the guest is switched off',
  2: 'the guest halted',
  3: 'the guest ended in a triple fault',
  4: 'tsbhyve stopped with an error',
  5: 'the guest is suspended; npx tsbhyve -l com1,stdio -r with the name above goes on with it here',
};

export async function quickstart(root: string, step: Step): Promise<number> {
  const guest = await guestIn(cacheFolder(process.env), step);
  const program = join(root, 'dist/src/cli/main.js');
  const args = optionsFor(guest);
  const print = (line: string): boolean => process.stdout.write(`${line}\n`);
  print(`tsbhyve ${args.map((word) => (word.includes(' ') ? `'${word}'` : word)).join(' ')}`);
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    await playWithStore(program, args, print);
    return 0;
  }
  print('Booting to a shell. Leave with poweroff, or with Ctrl-A x at any time; Ctrl-A h is help.');
  const status = await interactive(program, args);
  print(ENDS[status] ?? `tsbhyve ended with status ${status}`);
  return status > 1 && status !== SUSPENDED ? status : 0;
}

async function playWithStore(program: string, args: readonly string[], print: (line: string) => void): Promise<void> {
  const store = mkdtempSync(join(tmpdir(), 'tsbhyve-quickstart-'));
  try {
    await play({ program, args, store }, print);
  } finally {
    rmSync(store, { recursive: true });
  }
}

function optionsFor({ kernel, initrd }: Guest): string[] {
  const boot = ['--kernel', kernel, '--initrd', initrd, '--append', COMMAND_LINE];
  return ['-u', '-m', '256M', '-l', 'com1,stdio', ...boot, 'quickstart'];
}

function interactive(program: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (status) => resolve(status ?? 4));
  });
}
