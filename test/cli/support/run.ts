// SPDX-License-Identifier: BSD-2-Clause
/** The command as a process: what it says, what it is sent, how it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const PROGRAM = resolve('dist/src/cli/main.js');
/** What `bin` names; it starts the bundle. */
export const LAUNCHER = resolve('build/Release/tsbhyve');
const children: ChildProcess[] = [];
const runFolders: string[] = [];

/** For `afterEach`: a failed test must not leave a VM behind. */
export function endRuns(): void {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const folder of runFolders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** A run folder until `endRuns`. Each run has its own, so that VMs of one name may run side by side. */
export function runFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tsbhyve-run-'));
  runFolders.push(folder);
  return folder;
}

/** What else than the command in a run folder of its own. */
export interface RunPlace {
  readonly program?: string;
  readonly runFolder?: string;
  /** Beside that of the test. */
  readonly environment?: Readonly<Record<string, string>>;
}

export class Run {
  readonly child: ChildProcess;
  out = '';
  err = '';
  private wake = (): void => {};
  private ended: { status: number | null; signal: string | null } | null = null;

  constructor(...given: readonly (string | RunPlace)[]) {
    const words = given.filter((word) => typeof word === 'string');
    const place = given.find((word) => typeof word !== 'string') ?? {};
    const { program = PROGRAM, runFolder: TSBHYVE_RUN = runFolder(), environment } = place;
    if (program === PROGRAM) chmodSync(program, 0o755); // npm does the same when it links a command
    this.child = spawn(program, words, { stdio: 'pipe', env: { ...process.env, TSBHYVE_RUN, ...environment } });
    children.push(this.child);
    this.child.stdout?.on('data', (chunk: Buffer) => this.note(() => (this.out += chunk.toString('latin1'))));
    this.child.stderr?.on('data', (chunk: Buffer) => this.note(() => (this.err += chunk.toString('latin1'))));
    this.child.stdin?.on('error', () => {});
    this.child.on('close', (status, signal) => this.note(() => (this.ended = { status, signal })));
  }

  type(text: string): void {
    this.child.stdin?.write(Buffer.from(text, 'latin1'));
  }

  /** `lookMs`: for what changes without a word of the process. */
  async until(condition: () => boolean, lookMs?: number): Promise<void> {
    while (!condition()) {
      if (this.ended !== null) throw new Error(`ended too early; it said: ${this.out}${this.err}`);
      await new Promise<void>((done) => {
        this.wake = done;
        if (lookMs !== undefined) setTimeout(done, lookMs);
      });
    }
  }

  /** Types a letter and waits for anything: a guest that has counted to its end already says nothing by itself. */
  async answers(letter: string): Promise<void> {
    this.type(letter);
    await this.until(() => this.out.length > 0);
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
