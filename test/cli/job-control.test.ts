// SPDX-License-Identifier: BSD-2-Clause
/** The launcher as a job of a shell on a terminal: Ctrl-Z, fg, Ctrl-C. Needs the built checkout. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReadStream } from 'node:tty';
import { openPtyMaster } from '../../src/host/console/libc-terminal.js';
import { until } from '../host/support/fake-line.js';
import { ECHO_GUEST } from './support/echo-guest.js';
import { endRuns, LAUNCHER, runFolder } from './support/run.js';

const CTRL_C = '\x03';
const CTRL_Z = '\x1a';

let folder = '';
let shell: Shell | null = null;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-job-'));
  writeFileSync(join(folder, 'kernel'), ECHO_GUEST);
});
afterEach(() => {
  shell?.close();
  shell = null;
  endRuns();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A shell with job control, whose terminal is one of ours. */
class Shell {
  screen = '';
  readonly runFolder = runFolder();
  private readonly child: ChildProcess;
  private readonly pty = openPtyMaster();
  private readonly held = openSync(this.pty.path, constants.O_RDWR | constants.O_NOCTTY);
  private readonly window = new ReadStream(this.pty.master);

  constructor(environment: NodeJS.ProcessEnv) {
    this.window.on('data', (bytes) => {
      this.screen += bytes.toString('latin1');
    });
    const env = { ...process.env, PS1: '', TERM: 'dumb', TSBHYVE_RUN: this.runFolder, ...environment };
    const stdio = [this.held, this.held, this.held];
    this.child = spawn('setsid', ['--ctty', 'bash', '--norc', '--noprofile', '-i'], { stdio, env });
  }

  type(text: string): void {
    writeSync(this.pty.master, Buffer.from(text, 'latin1'));
  }

  /** Waits for what comes from now on, each time behind what it found before. */
  async shows(text: string): Promise<void> {
    await until(() => this.screen.includes(text));
    this.screen = this.screen.slice(this.screen.indexOf(text) + text.length);
  }

  /** Keys are no signals. */
  get isRaw(): boolean {
    return execFileSync('stty', ['-a'], { stdio: [this.held, 'pipe', 'inherit'] }).includes('-isig');
  }

  close(): void {
    this.child.kill('SIGKILL');
    this.window.destroy();
    closeSync(this.held);
  }
}

/** What is echoed of it differs from what it prints. */
const REPORT = 'echo "sta""tus=$?"';
const boot = (console: string): string => `${LAUNCHER} -m 16 --kernel ${join(folder, 'kernel')} -l com1,${console}\n`;

// With its console elsewhere, the terminal stays as the shell has it, and its keys are signals.
test('Ctrl-Z stops the VM, fg goes on with it, and Ctrl-C switches it off, with one line', async () => {
  shell = new Shell({});
  shell.type(boot('pty'));
  await shell.shows('com1 is /dev/pts/');
  shell.type(CTRL_Z);
  await shell.shows('Stopped');
  shell.type(`fg; ${REPORT}\n`);
  await shell.shows(`\n${LAUNCHER}`); // the shell says what goes on
  shell.type(CTRL_C);
  await shell.shows('tsbhyve: SIGINT: switching the VM off');
  await shell.shows('status=1');
  expect(shell.screen).not.toContain('SIGINT');
});

test('a VM that is stopped from outside has its terminal raw when it goes on', async () => {
  shell = new Shell({});
  shell.type(boot('stdio'));
  await shell.shows('UP\r\n');
  shell.type('v');
  await shell.shows('v');
  process.kill(Number(readFileSync(join(shell.runFolder, 'vm/pid'), 'latin1')), 'SIGSTOP');
  await shell.shows('Stopped');
  shell.type(`fg; ${REPORT}\n`);
  await shell.shows(`\n${LAUNCHER}`);
  await until(() => shell?.isRaw === true);
  shell.type(`w${CTRL_Z}x`);
  await shell.shows(`w${CTRL_Z}x`);
  shell.type('\x01x');
  await shell.shows('status=1');
});

test('Ctrl-C before the VM is there ends the command as it ends any', async () => {
  const node = join(folder, 'slow-node');
  writeFileSync(node, '#!/bin/sh\necho begun\nexec sleep 1000\n');
  chmodSync(node, 0o755);
  shell = new Shell({ TSBHYVE_NODE: node });
  shell.type(boot('stdio'));
  await shell.shows('begun\r\n');
  shell.type(CTRL_C);
  await shell.shows('^C');
  shell.type(`${REPORT}\n`);
  await shell.shows('status=130');
});
