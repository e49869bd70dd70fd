// SPDX-License-Identifier: BSD-2-Clause
/** What SIGTERM does. */
import { SaveCancelled, type Saver } from './saver.js';
import type { SigtermPolicy } from './sigterm-policy.js';

/** Two SIGTERM closer together than this are one: process managers, npx and the launcher may send it twice. */
const SAME_PRESS_MS = 1000;

export interface SigtermTarget {
  pressPowerButton(): void;
  powerOff(): void;
}

export interface Timing {
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** Does something later, unless what it returns is called before. */
  readonly after: (milliseconds: number, work: () => void) => () => void;
}

export class SigtermHandler {
  private lastAt: number | null = null;
  private pressed = false;
  private closed = false;
  private readonly timers: (() => void)[] = [];

  constructor(
    private readonly policy: SigtermPolicy,
    private readonly target: SigtermTarget,
    private readonly saver: Pick<Saver, 'active' | 'isSuspended' | 'take' | 'cancel' | 'idle'>,
    private readonly print: (line: string) => void,
    private readonly timing: Timing,
  ) {}

  /** The first one asks nicely; a later one does not ask, but never throws away a suspend that is on its way. */
  handle(): void {
    const now = this.timing.now();
    const again = this.lastAt !== null;
    if (this.lastAt !== null && now - this.lastAt < SAME_PRESS_MS) return;
    this.lastAt = now;
    if (again && (this.saver.active === 'suspend' || !this.pressed)) {
      this.print('SIGTERM again: the suspend is on its way');
    } else if (this.pressed) {
      this.print('SIGTERM again: switching the VM off without waiting for the guest');
      this.target.powerOff();
    } else if (this.policy.action === 'poweroff') {
      this.pressWithBound();
    } else {
      void this.suspend();
    }
  }

  close(): void {
    this.closed = true;
    for (const cancel of this.timers.splice(0)) cancel();
  }

  private pressWithBound(): void {
    void this.press();
    this.bound(async (limit) => {
      await this.saver.idle();
      if (this.saver.isSuspended || this.closed) return;
      this.print(`SIGTERM: the guest has not powered off in ${limit} s: switching the VM off`);
      this.target.powerOff();
    });
  }

  /** Where no suspend comes about, an orderly shutdown loses least; the plug is left to whoever insists. */
  private async suspend(): Promise<void> {
    let late = false;
    const inTime = this.bound((limit) => {
      late = true;
      void this.saver.cancel(`SIGTERM, ${limit} s are over`);
    });
    try {
      await this.saver.idle();
      if (late) throw new Error('another save took too long');
      if (!this.saver.isSuspended) await this.saver.take({ kind: 'suspend' });
    } catch (error) {
      // Somebody at the console wants the VM to go on.
      if (error instanceof SaveCancelled && !late) this.lastAt = null;
      else if (!this.closed) this.pressInstead((error as Error).message);
    }
    inTime();
  }

  private pressInstead(reason: string): void {
    this.print(`SIGTERM: cannot suspend: ${reason}; asking the guest to power off instead`);
    void this.press();
  }

  /** Not while the machine is saved: it would come back with the button pressed. */
  private async press(): Promise<void> {
    this.pressed = true;
    await this.saver.idle();
    if (!this.saver.isSuspended) this.target.pressPowerButton();
  }

  private bound(work: (limit: number) => unknown): () => void {
    const { seconds } = this.policy;
    if (seconds === null) return () => {};
    const cancel = this.timing.after(seconds * 1000, () => work(seconds));
    this.timers.push(cancel);
    return cancel;
  }
}
