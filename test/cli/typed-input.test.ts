// SPDX-License-Identifier: BSD-2-Clause
/** Typed bytes around a suspend: each reaches the guest once and in order, in this process or the next. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../host/support/fake-line.js';
import { ECHO_GUEST, POWER_OFF } from './support/echo-guest.js';
import { endRuns, PROGRAM, runFolder } from './support/run.js';

let folder = '';
let fifo = '';
/** Open for reading and writing: no process that ends means the end of the input. */
let pipe = -1;
const children: ChildProcess[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-typed-'));
  fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  pipe = openSync(fifo, constants.O_RDWR);
  writeFileSync(join(folder, 'kernel'), ECHO_GUEST);
});
afterEach(() => {
  endRuns();
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => {
  closeSync(pipe);
  rmSync(folder, { recursive: true });
});

function start(...words: string[]) {
  const store = join(folder, 'store');
  const child = spawn(PROGRAM, [...words, '-l', 'com1,stdio', '--store', store], {
    stdio: [pipe, 'pipe', 'pipe'],
    env: { ...process.env, TSBHYVE_RUN: runFolder() },
  });
  children.push(child);
  const run = { child, out: '', err: '', status: -1 };
  child.stdout?.on('data', (chunk) => (run.out += chunk));
  child.stderr?.on('data', (chunk) => (run.err += chunk));
  child.on('close', (status) => {
    run.status = status ?? -2;
  });
  return run;
}

test('a long paste into a slow guest that is suspended three times in the middle of it', async () => {
  const paste = Array.from({ length: 12_000 }, (_, number) => `${number.toString(36).padStart(7, '.')}\n`).join('');
  const writer = await open(fifo, 'w');
  const pasting = writer.writeFile(`${paste}${POWER_OFF}`, 'latin1').then(() => writer.close());
  let words = ['-m', '16', '--kernel', join(folder, 'kernel')];
  let out = '';
  for (let number = 1; number <= 3; number += 1) {
    const run = start(...words);
    await until(() => run.out.length > 5000);
    run.child.kill('SIGUSR1');
    await until(() => run.status !== -1);
    expect(run.err).toMatch(/^tsbhyve: suspended as vm-\d: [^\n]*\n$/);
    expect(run.status).toBe(5);
    out += run.out;
    words = ['-r', /suspended as (\S+):/.exec(run.err)?.[1] ?? ''];
  }
  const last = start(...words);
  await until(() => last.status !== -1);
  await pasting;
  expect(last.err).toBe('');
  expect(last.status).toBe(1);
  expect(out + last.out === `UP\n${paste}`).toBe(true); // too long to be shown
}, 60_000);
