// SPDX-License-Identifier: BSD-2-Clause
/** The command on a terminal: raw while the guest runs, and as it was before afterwards, however it ends. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ReadStream } from 'node:tty';
import { openPtyMaster } from '../../src/host/console/libc-terminal.js';
import { until } from '../host/support/fake-line.js';
import { ECHO_GUEST } from './support/echo-guest.js';

let folder = '';
let kernel = '';
let terminal: Terminal | null = null;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-terminal-'));
  kernel = join(folder, 'echo-guest');
  writeFileSync(kernel, ECHO_GUEST);
});
afterEach(() => {
  terminal?.close();
  terminal = null;
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A terminal window with tsbhyve in it. */
class Terminal {
  readonly before: string;
  screen = '';
  status: number | null | undefined;
  readonly child: ChildProcess;
  private readonly pty = openPtyMaster();
  private readonly window: ReadStream;
  private readonly held: number;

  constructor(...words: string[]) {
    this.held = openSync(this.pty.path, constants.O_RDWR | constants.O_NOCTTY);
    this.before = this.modes();
    this.window = new ReadStream(this.pty.master);
    this.window.on('data', (bytes) => {
      this.screen += bytes.toString('latin1');
    });
    const program = resolve('dist/src/cli/main.js');
    this.child = spawn(process.execPath, [program, ...words], {
      stdio: [this.held, this.held, this.held],
      env: { ...process.env, TSBHYVE_RUN: join(folder, 'run') },
    });
    this.child.on('close', (status) => {
      this.status = status;
    });
  }

  modes(): string {
    return execFileSync('stty', ['-a'], { stdio: [this.held, 'pipe', 'inherit'] }).toString();
  }

  type(text: string): void {
    writeSync(this.pty.master, Buffer.from(text, 'latin1'));
  }

  /** Types as fast as it is taken. */
  async paste(text: string): Promise<void> {
    for (
      let rest = Buffer.from(text, 'latin1');
      rest.length > 0;
      await new Promise((resolve) => setImmediate(resolve))
    ) {
      try {
        rest = rest.subarray(writeSync(this.pty.master, rest));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      }
    }
  }

  /** Looks away, so that what is written has nowhere to go, or looks again. */
  look(isLooking: boolean): void {
    if (isLooking) this.window.resume();
    else this.window.pause();
  }

  shows(text: string): Promise<void> {
    return until(() => this.screen.includes(text));
  }

  ended(): Promise<void> {
    return until(() => this.status !== undefined);
  }

  close(): void {
    this.child.kill('SIGKILL');
    this.window.destroy();
    closeSync(this.held);
  }
}

function boot(): Terminal {
  const machine = ['-m', '16', '--kernel', kernel, '-l', 'pc-testdev'];
  terminal = new Terminal(...machine, '-l', 'com1,stdio', '--store', join(folder, 'store'));
  return terminal;
}

test('keys go to the guest one by one, Ctrl-Z too, and Ctrl-A x ends it', async () => {
  const window = boot();
  await window.shows('UP');
  expect(window.modes()).not.toBe(window.before);
  window.type('a\x07\x1a\x01\x01z');
  await window.shows('a\x07\x1a\x01z');
  window.type('\x01x');
  await window.ended();
  expect(window.status).toBe(1);
  expect(window.modes()).toBe(window.before);
});

test('Ctrl-A h shows the keys, each line from the left edge', async () => {
  const window = boot();
  await window.shows('UP');
  window.type('guest# ');
  await window.shows('guest# ');
  window.type('\x01h');
  await window.shows('Ctrl-A Ctrl-A');
  expect(window.screen).toMatch(
    /guest# \r+\ntsbhyve: Ctrl-A s .*\r+\ntsbhyve: Ctrl-A z .*\r+\ntsbhyve: Ctrl-A c .*\r+\ntsbhyve: Ctrl-A x .*\r+\ntsbhyve: Ctrl-A h .*\r+\n/,
  );
});

test('Ctrl-A s saves and goes on, Ctrl-A z saves and ends, and the terminal is as it was', async () => {
  const window = boot();
  await window.shows('UP');
  expect(window.screen).not.toContain('\x1b[K'); // nothing of ours to take away
  window.type('\x01s');
  await window.shows('tsbhyve: snapshot vm-1: ');
  expect(window.screen).toMatch(/tsbhyve: snapshot: 100 %, [0-9]+ KiB of [0-9]+ KiB/);
  window.type('still here');
  await window.shows('still here');
  window.type('\x01z');
  await window.ended();
  expect(window.status).toBe(5);
  expect(window.screen).toMatch(/tsbhyve: suspended as vm-2: .*; -r vm-2 goes on from there/);
  expect(window.modes()).toBe(window.before);
});

test('Ctrl-A c cancels a suspend: the guest goes on with what was typed, and the store is empty', async () => {
  const window = boot();
  await window.shows('UP');
  const before = readdirSync(folder);
  window.type('one\x01ztwo\x01cthree');
  await window.shows('tsbhyve: Ctrl-A c: suspend cancelled; the VM runs on');
  await window.shows('three');
  expect(window.screen.replace(/\r*\n\r?(tsbhyve: .*)?/g, '')).toContain('onetwothree');
  expect(readdirSync(folder)).toEqual(before);
  window.type('\x01c');
  await window.shows('tsbhyve: Ctrl-A c: nothing is being saved');
  window.type('\x01x');
  await window.ended();
  expect(window.status).toBe(1);
});

test.each(['SIGINT', 'SIGHUP', 'SIGQUIT'] as const)('the terminal is as it was after %s', async (signal) => {
  const window = boot();
  await window.shows('UP');
  window.child.kill(signal);
  await window.ended();
  expect(window.modes()).toBe(window.before);
});

test('the terminal is as it was after two SIGTERM, and after a guest that crashed', async () => {
  const window = boot();
  await window.shows('UP');
  window.child.kill('SIGTERM');
  await window.shows('does not listen to the power button');
  const again = setInterval(() => window.child.kill('SIGTERM'), 100);
  await window.ended();
  clearInterval(again);
  expect(window.modes()).toBe(window.before);

  window.close();
  const other = boot();
  await other.shows('UP');
  other.type('\x04'); // triple fault
  await other.ended();
  expect(other.status).toBe(3);
  expect(other.modes()).toBe(other.before);
});

test('a terminal that nobody reads stops nothing: keys are taken, and all that was written comes out in the end', async () => {
  const window = boot();
  await window.shows('UP');
  window.look(false);
  const text = '0123456789'.repeat(15_000); // more than terminals keep
  await window.paste(`${text}\x01x`);
  window.look(true);
  await window.ended();
  expect(window.status).toBe(1);
  const shown = window.screen.slice(window.screen.indexOf('0'));
  expect(text.startsWith(shown)).toBe(true);
});
