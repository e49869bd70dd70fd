// SPDX-License-Identifier: BSD-2-Clause
/**
 * VM time as the exit loop sees it: device alarms and the engine's own timers, and what becomes of idle time. Among events
 * of one instant the engine's come first: `run()` takes its own before it reports the deadline.
 */
import type { VmClock } from '../core/clock.js';
import { NEVER } from '../hypervisor/exit.js';
import type { Engine } from '../hypervisor/hypervisor.js';
import type { HostPace } from './host-pace.js';

export class MachineTime {
  private isPaced = true;

  constructor(
    private readonly engine: Engine,
    private readonly alarms: VmClock,
    private readonly isVirtual: boolean,
    /** Virtual clock: how far idle time may be skipped; null for any. */
    private readonly pace: HostPace | null,
  ) {}

  /** To be called when the machine begins to run, or runs on. */
  start(): void {
    this.engine.holdTime(false);
    this.pace?.start(this.engine.getTime());
  }

  stop(): void {
    this.engine.holdTime(true);
  }

  /** The next alarm, but not after `limit`. */
  deadline(limit: bigint): bigint {
    return earlier(this.alarms.nextDeadline() ?? NEVER, limit);
  }

  /** Fires what is due at `now`; false if nothing is. */
  fireDue(now: bigint): boolean {
    const alarm = this.alarms.nextDeadline();
    if (alarm === null || alarm > now) return false;
    this.alarms.fireDue();
    return true;
  }

  /** Virtual clock: jumps over idle time to the next event or to `limit`. False if the caller has to wait instead. */
  skipIdle(limit: bigint): boolean {
    if (!this.isVirtual) return this.engine.getTime() >= limit;
    const target = earlier(this.nextEvent(), limit);
    if (target === NEVER || (this.isPaced && this.pace !== null && target > this.pace.now())) return false;
    if (target > this.engine.getTime()) this.engine.setTime(target);
    return true;
  }

  /** Nanoseconds of host time until something happens by itself in an idle machine; null if nothing will. */
  idleTime(): bigint | null {
    const next = this.nextEvent();
    if (next === NEVER) return null;
    const left = next - (this.pace?.now() ?? this.engine.getTime());
    return left > 0n ? left : 0n;
  }

  /** A VM time after now: the next nanosecond, or what the host has reached if the machine idles until then. */
  nearInstant(isIdle: boolean): bigint {
    const next = this.engine.getTime() + 1n;
    if (!isIdle || this.pace === null) return next;
    const reached = earlier(this.pace.now(), this.nextEvent());
    return reached > next ? reached : next;
  }

  ignorePace(work: () => void): void {
    this.isPaced = false;
    try {
      work();
    } finally {
      this.isPaced = true;
    }
  }

  private nextEvent(): bigint {
    return earlier(this.alarms.nextDeadline() ?? NEVER, this.engine.nextDeadline());
  }
}

function earlier(a: bigint, b: bigint): bigint {
  if (b < a) return b;
  return a;
}
