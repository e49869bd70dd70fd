// SPDX-License-Identifier: BSD-2-Clause
/** A virtual machine in a process of its own, whose console output is timed as it arrives. */
import { type ChildProcess, spawn } from 'node:child_process';
import { BenchError } from './bench-error.js';

/** A guest that says nothing for so long is not going to. */
const SILENCE_MS = 300_000;
const SHOWN_CHARACTERS = 1500;

export class RunningGuest {
  private readonly child: ChildProcess;
  private readonly started = performance.now();
  private text = '';
  private problem: BenchError | null = null;
  private changed: () => void = () => {};

  /** `onOutput` is told how many characters came and when. */
  constructor(
    private readonly command: readonly string[],
    onOutput: (count: number, milliseconds: number) => void = () => {},
  ) {
    const [program = '', ...args] = command;
    this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (chunk: Buffer) => {
      onOutput(chunk.length, this.milliseconds);
      this.add(chunk);
    });
    this.child.stderr?.on('data', (chunk: Buffer) => this.add(chunk));
    this.child.on('error', (cause) => this.fail(cause.message));
    this.child.on('close', (status, signal) => this.fail(`it ended with ${signal ?? `status ${status}`}`));
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Since the process was started. */
  get milliseconds(): number {
    return performance.now() - this.started;
  }

  /** Resolves once `isThere` says so of all output; tells when that was. */
  async until(what: string, isThere: (text: string) => boolean): Promise<number> {
    while (!isThere(this.text)) {
      if (this.problem !== null) throw this.problem;
      await this.somethingNew(what);
    }
    return this.milliseconds;
  }

  type(text: string): void {
    this.child.stdin?.write(text);
  }

  /** Resolves when the process has ended by itself. */
  ended(): Promise<void> {
    this.child.removeAllListeners('close');
    return new Promise((resolve) => {
      if (this.child.exitCode !== null || this.child.signalCode !== null) resolve();
      else this.child.once('close', () => resolve());
    });
  }

  kill(): void {
    this.child.removeAllListeners('close');
    this.child.kill('SIGKILL');
  }

  private add(chunk: Buffer): void {
    this.text += chunk.toString('latin1');
    this.changed();
  }

  private fail(what: string): void {
    const shown = this.text.slice(-SHOWN_CHARACTERS);
    this.problem = new BenchError(`${this.command.join(' ')}: ${what}. The end of its output:\n${shown}`);
    this.changed();
  }

  private somethingNew(what: string): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.fail(`no ${what} for ${SILENCE_MS / 1000} s`), SILENCE_MS);
      this.changed = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
