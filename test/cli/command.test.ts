// SPDX-License-Identifier: BSD-2-Clause
/** The command as a user starts it: a process, its standard streams, signals and status. Needs the built checkout. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DEBUG_EXIT, ECHO_GUEST, HALT, POWER_OFF, RESET, TRIPLE_FAULT } from './support/echo-guest.js';

const PROGRAM = resolve('dist/src/cli/main.js');

let folder = '';
let kernel = '';
const children: ChildProcess[] = [];
beforeAll(() => {
  chmodSync(PROGRAM, 0o755); // npm does the same when it links a command
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-command-'));
  kernel = join(folder, 'echo-guest');
  writeFileSync(kernel, ECHO_GUEST);
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rmSync(folder, { recursive: true }));

class Run {
  readonly child: ChildProcess;
  out = '';
  err = '';
  private wake = (): void => {};
  private ended: { status: number | null; signal: string | null } | null = null;

  constructor(...words: string[]) {
    this.child = spawn(PROGRAM, words, { stdio: 'pipe' });
    children.push(this.child);
    this.child.stdout?.on('data', (chunk: Buffer) => this.note(() => (this.out += chunk.toString('latin1'))));
    this.child.stderr?.on('data', (chunk: Buffer) => this.note(() => (this.err += chunk.toString('latin1'))));
    this.child.stdin?.on('error', () => {});
    this.child.on('close', (status, signal) => this.note(() => (this.ended = { status, signal })));
  }

  type(text: string): void {
    this.child.stdin?.write(Buffer.from(text, 'latin1'));
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.ended !== null) throw new Error(`ended too early; it said: ${this.out}${this.err}`);
      await new Promise<void>((done) => {
        this.wake = done;
      });
    }
  }

  async end(): Promise<{ status: number | null; signal: string | null }> {
    while (this.ended === null) {
      await new Promise<void>((done) => {
        this.wake = done;
      });
    }
    return this.ended;
  }

  private note(change: () => unknown): void {
    change();
    this.wake();
  }
}

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

test('Ctrl-A in a pipe is the guest’s', async () => {
  const run = boot();
  run.type('\x01x\x01h');
  await run.until(() => run.out === 'UP\n\x01x\x01h');
  run.type(POWER_OFF);
  await run.end();
  expect(run.err).toBe('');
});

test('SIGUSR1 and SIGUSR2 are refused in one line, and the guest runs on', async () => {
  const run = boot();
  await run.until(() => run.out === 'UP\n');
  run.child.kill('SIGUSR1');
  await run.until(() => run.err === 'tsbhyve: SIGUSR1: cannot suspend: snapshots are not there yet; the VM runs on\n');
  run.child.kill('SIGUSR2');
  await run.until(() => /SIGUSR2: cannot take a snapshot: [^\n]*\n$/.test(run.err));
  run.type(`x${POWER_OFF}`);
  expect((await run.end()).status).toBe(1);
  expect(run.out).toBe('UP\nx');
});

/** Wherever in the start of the process the signal falls, it has an answer, and it is never an open inspector. */
test.each(['SIGUSR1', 'SIGUSR2'] as const)(
  '%s at any time from exec on is never lost in silence',
  async (signal) => {
    for (let delay = 0; delay <= 160; delay += 8) {
      const run = boot();
      await new Promise((done) => setTimeout(done, delay));
      run.child.kill(signal);
      run.type(DEBUG_EXIT);
      const { status, signal: killedBy } = await run.end();
      expect(run.err).not.toContain('Debugger listening');
      if (killedBy !== null) {
        expect(killedBy).toBe(signal); // before Node was up; nothing had been started
      } else {
        expect(status).toBe(35);
        expect(run.err).toMatch(/Starting inspector on 192\.0\.2\.1:9229 failed|SIGUSR[12]: cannot/);
      }
    }
  },
  60_000,
);

test('without the first line’s flag an inspector that a signal opened is closed and the signal answered', async () => {
  const words = [PROGRAM, '-m', '16', '--kernel', kernel, '-l', 'com1,stdio', '-l', 'pc-testdev'];
  const child = spawn(process.execPath, words, { stdio: 'pipe' });
  children.push(child);
  let err = '';
  let signalled = false;
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  await new Promise((done) => setTimeout(done, 25));
  signalled = child.kill('SIGUSR1');
  child.stdin.write(DEBUG_EXIT);
  const status = await new Promise((done) => child.on('close', done));
  expect(signalled).toBe(true);
  if (status !== null) expect(err).toContain('SIGUSR1: cannot suspend');
});
