// SPDX-License-Identifier: BSD-2-Clause
/** The command as a user starts it: a process, its standard streams, signals and status. Needs the built checkout. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEBUG_EXIT, ECHO_GUEST, HALT, POWER_OFF, RESET, TRIPLE_FAULT } from './support/echo-guest.js';
import { endRuns, PROGRAM, Run, runFolder } from './support/run.js';

let folder = '';
let kernel = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-command-'));
  kernel = join(folder, 'echo-guest');
  writeFileSync(kernel, ECHO_GUEST);
});
afterEach(endRuns);
afterAll(() => rmSync(folder, { recursive: true }));

const boot = (...words: string[]): Run =>
  new Run('-m', '16', '--kernel', kernel, '-l', 'com1,stdio', '-l', 'pc-testdev', ...words);

test.each([
  ['reset', 0, RESET],
  ['power-off', 1, POWER_OFF],
  ['halt', 2, HALT],
  ['triple fault', 3, TRIPLE_FAULT],
  ['debug exit', 35, DEBUG_EXIT],
])('after a %s the status is %i', async (_, expected, command) => {
  const run = boot();
  run.type(command);
  expect(await run.end()).toEqual({ status: expected, signal: null });
  expect(run.out).toBe('UP\n');
});

test('an error is one line and status 4', async () => {
  writeFileSync(join(folder, 'text'), 'this is no kernel');
  const run = new Run('--kernel', join(folder, 'text'));
  expect((await run.end()).status).toBe(4);
  expect(run.err).toMatch(/^tsbhyve: \S+text: not a kernel: it starts with 7468697320697320; accepted are .*\n$/);
});

test('4 KiB pasted at once into a receiver of one byte come back complete', async () => {
  const paste = Array.from({ length: 4096 }, (_, index) => String.fromCharCode(0x20 + (index % 95))).join('');
  const run = boot();
  run.type(`${paste}${POWER_OFF}`);
  expect((await run.end()).status).toBe(1);
  expect(run.out).toBe(`UP\n${paste}`);
});

test('the end of standard input does not end the guest, SIGTERM asks it to, a later one does not ask', async () => {
  const run = boot();
  run.child.stdin?.end('bye');
  await run.until(() => run.out === 'UP\nbye');
  run.child.kill('SIGTERM');
  await run.until(() => run.err.includes('the guest does not listen to the power button'));
  const again = setInterval(() => run.child.kill('SIGTERM'), 100);
  expect(await run.end()).toEqual({ status: 1, signal: null });
  clearInterval(again);
});

test('a VM outlives whoever reads its messages', async () => {
  const run = boot('--store', join(kernel, 'store'));
  await run.until(() => run.out === 'UP\n');
  run.child.stderr?.destroy();
  for (let echoes = 'x'; echoes.length < 8; echoes += 'x') {
    run.child.kill('SIGUSR2'); // refused, with a line that nobody gets
    run.type('x');
    await run.until(() => run.out === `UP\n${echoes}`);
  }
  run.type(POWER_OFF);
  expect(await run.end()).toEqual({ status: 1, signal: null });
});

test('a reader of `tsbhyve snapshot` may stop to read', async () => {
  const run = new Run('snapshot', '-h');
  run.child.stdout?.destroy();
  expect(await run.end()).toEqual({ status: 0, signal: null });
  expect(run.err).toBe('');
});

test('Ctrl-A in a pipe is the guest’s', async () => {
  const run = boot();
  run.type('\x01x\x01h');
  await run.until(() => run.out === 'UP\n\x01x\x01h');
  run.type(POWER_OFF);
  await run.end();
  expect(run.err).toBe('');
});

test('a save that fails is one line, and the guest runs on', async () => {
  const run = boot('--store', join(kernel, 'store'));
  await run.until(() => run.out === 'UP\n');
  run.child.kill('SIGUSR1');
  await run.until(() =>
    /^tsbhyve: SIGUSR1: cannot suspend: [^\n]*not a directory[^\n]*; the VM runs on\n$/.test(run.err),
  );
  run.child.kill('SIGUSR2');
  await run.until(() => /SIGUSR2: cannot take a snapshot: [^\n]*\n$/.test(run.err));
  run.type(`x${POWER_OFF}`);
  expect((await run.end()).status).toBe(1);
  expect(run.out).toBe('UP\nx');
});

test('started by Node itself, an inspector that an early signal opened is closed and the signal answered', async () => {
  const words = [PROGRAM, '-m', '16', '--kernel', kernel, '-l', 'com1,stdio', '-l', 'pc-testdev', '--store', kernel];
  const env = { ...process.env, TSBHYVE_RUN: runFolder() };
  const child = spawn(process.execPath, words, { stdio: 'pipe', env });
  let err = '';
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  await new Promise((done) => setTimeout(done, 25));
  child.kill('SIGUSR1');
  child.stdin.write(DEBUG_EXIT);
  const status = await new Promise((done) => child.on('close', done));
  if (status !== null) expect(err).toContain('SIGUSR1: cannot suspend');
});
