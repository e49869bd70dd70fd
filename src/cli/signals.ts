// SPDX-License-Identifier: BSD-2-Clause
/** What signals do to a running VM. */
import type { SaveKind } from '../machine/thread-save.js';
import type { VmSignal } from './early-signals.js';

/** End the VM as pulling the plug does, but with the terminal restored. */
export const PLUG_SIGNALS = ['SIGHUP', 'SIGINT', 'SIGQUIT'] as const;
type AnySignal = VmSignal | (typeof PLUG_SIGNALS)[number];

/** Two SIGTERM closer together than this are one: process managers and npx may send it twice. */
const SAME_PRESS_MS = 1000;

export interface SignalTarget {
  pressPowerButton(): void;
  powerOff(): void;
  save(kind: SaveKind, asked: string): void;
}

export class SignalHandler {
  private pressedAt: number | null = null;

  /** `now` gives milliseconds that never go back. */
  constructor(
    private readonly target: SignalTarget,
    private readonly print: (line: string) => void,
    private readonly now: () => number,
  ) {}

  handle(signal: AnySignal): void {
    switch (signal) {
      case 'SIGTERM':
        this.terminate();
        break;
      case 'SIGUSR1':
        this.target.save('suspend', signal);
        break;
      case 'SIGUSR2':
        this.target.save('snapshot', signal);
        break;
      case 'SIGHUP':
      case 'SIGINT':
      case 'SIGQUIT':
        this.print(`${signal}: switching the VM off`);
        this.target.powerOff();
        break;
    }
  }

  /** The first SIGTERM asks the guest to shut down, a later one does not ask. */
  private terminate(): void {
    const now = this.now();
    if (this.pressedAt === null) {
      this.pressedAt = now;
      this.target.pressPowerButton();
    } else if (now - this.pressedAt >= SAME_PRESS_MS) {
      this.print('SIGTERM again: switching the VM off without waiting for the guest');
      this.target.powerOff();
    }
  }
}

/**
 * Passes signals on until it is closed. After that they are ignored: the process is about to end, and must end with the
 * status of the VM.
 */
export class SignalListener {
  private open = true;

  constructor(private readonly handler: SignalHandler) {}

  listen(signals: readonly AnySignal[]): void {
    for (const signal of signals) {
      process.removeAllListeners(signal);
      process.on(signal, () => {
        if (this.open) this.handler.handle(signal);
      });
    }
  }

  /** Answers what came before anybody listened, each kind once. */
  replay(early: VmSignal[]): void {
    for (const signal of new Set(early.splice(0))) this.handler.handle(signal);
  }

  close(): void {
    this.open = false;
  }
}
