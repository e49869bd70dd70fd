// SPDX-License-Identifier: BSD-2-Clause
/** What signals do to a running VM. They are numbered by nobody: two of a kind may arrive as one. */
import { VM_SIGNALS, type VmSignal } from './early-signals.js';

/** Two SIGTERM closer together than this are one: process managers and npx may send it twice. */
const SAME_PRESS_MS = 1000;

export interface SignalTarget {
  pressPowerButton(): void;
  powerOff(): void;
  print(line: string): void;
}

const REFUSALS: Readonly<Record<Exclude<VmSignal, 'SIGTERM'>, string>> = {
  SIGUSR1: 'SIGUSR1: cannot suspend the VM: snapshots are not there yet; it runs on',
  SIGUSR2: 'SIGUSR2: cannot take a snapshot: snapshots are not there yet; it runs on',
};

export class SignalHandler {
  private pressedAt: number | null = null;

  /** `now` gives milliseconds that never go back. */
  constructor(
    private readonly target: SignalTarget,
    private readonly now: () => number,
  ) {}

  handle(signal: VmSignal): void {
    if (signal === 'SIGTERM') this.terminate();
    else this.target.print(REFUSALS[signal]);
  }

  /** The first SIGTERM asks the guest to shut down, a later one does not ask. */
  private terminate(): void {
    const now = this.now();
    if (this.pressedAt === null) {
      this.pressedAt = now;
      this.target.pressPowerButton();
    } else if (now - this.pressedAt >= SAME_PRESS_MS) {
      this.target.print('SIGTERM again: switching the VM off without waiting for the guest');
      this.target.powerOff();
    }
  }
}

/** Answers what came early, then everything until the returned function is called. */
export function listenForSignals(handler: SignalHandler, early: VmSignal[]): () => void {
  const listeners = VM_SIGNALS.map((signal) => ({ signal, listener: () => handler.handle(signal) }));
  for (const { signal, listener } of listeners) {
    process.removeAllListeners(signal);
    process.on(signal, listener);
  }
  for (const signal of new Set(early.splice(0))) handler.handle(signal);
  return () => {
    // A signal that comes during the last steps must not kill the process before the terminal is restored.
    for (const { signal, listener } of listeners) {
      process.on(signal, () => {});
      process.off(signal, listener);
    }
  };
}
