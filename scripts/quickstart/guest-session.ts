// SPDX-License-Identifier: BSD-2-Clause
/** A running tsbhyve whose console a script reads and types on. */
import { type ChildProcess, spawn } from 'node:child_process';
import { QuickstartError } from './tools.js';

/** A guest that says nothing for so long is not going to. */
const SILENCE_MS = 120_000;
const LINES_SHOWN = 25;

export class GuestSession {
  private readonly child: ChildProcess;
  private text = '';
  /** How much of `text` earlier calls of `expect` have used up. */
  private seen = 0;
  private wake: () => void = () => {};
  private ended: { readonly status: number | null; readonly signal: string | null } | null = null;

  /** With a run folder of its own, VMs of the same name elsewhere are not in its way. */
  constructor(program: string, args: readonly string[], runFolder: string) {
    const env = { ...process.env, TSBHYVE_RUN: runFolder };
    this.child = spawn(process.execPath, [program, ...args], { stdio: 'pipe', env });
    const collect = (chunk: Buffer): void => {
      this.text += chunk.toString('latin1').replaceAll('\r', '');
      this.wake();
    };
    this.child.stdout?.on('data', collect);
    this.child.stderr?.on('data', collect);
    this.child.stdin?.on('error', () => {}); // the guest is gone; `expect` says so
    this.child.on('close', (status, signal) => {
      this.ended = { status, signal };
      this.wake();
    });
  }

  type(text: string): void {
    this.child.stdin?.write(text);
  }

  /** Waits for `wanted` and returns what came before it since the last call. */
  async expect(wanted: string): Promise<string> {
    for (;;) {
      const found = this.text.indexOf(wanted, this.seen);
      if (found >= 0) {
        const before = this.text.slice(this.seen, found);
        this.seen = found + wanted.length;
        return before;
      }
      if (this.ended !== null) throw this.failure(`ended (${this.ended.signal ?? this.ended.status})`, wanted);
      await this.somethingNew(wanted);
    }
  }

  /** Waits for the end of tsbhyve and returns its exit status. */
  async end(): Promise<number> {
    while (this.ended === null) await this.somethingNew('its end');
    return this.ended.status ?? -1;
  }

  /** Asks tsbhyve to suspend the guest. */
  suspend(): void {
    this.child.kill('SIGUSR1');
  }

  /** What `expect` has not used up. */
  rest(): string {
    return this.text.slice(this.seen);
  }

  kill(): void {
    if (this.ended === null) this.child.kill('SIGKILL');
  }

  private somethingNew(wanted: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(this.failure('says nothing any more', wanted)), SILENCE_MS);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private failure(what: string, wanted: string): QuickstartError {
    const lines = this.text.trimEnd().split('\n').slice(-LINES_SHOWN).join('\n');
    return new QuickstartError(`the guest ${what} before ${JSON.stringify(wanted)}. Its last lines:\n${lines}`);
  }
}
