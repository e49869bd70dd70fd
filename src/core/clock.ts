// SPDX-License-Identifier: BSD-2-Clause
import { type Alarm, AlarmQueue } from './alarm-queue.js';

export { type Alarm, AlarmQueue } from './alarm-queue.js';

/** VM time: nanoseconds since power-on, standing still while the machine is paused. */
export interface Clock {
  now(): bigint;
  /**
   * Creates an alarm, disarmed at first. Alarms that are due together fire in the order of (deadline, device id, name).
   * They are not saved: a device keeps its deadlines in its own state and arms again in `restored()`.
   */
  alarm(deviceId: string, name: string, fire: (deadline: bigint) => void): Alarm;
}

/** The machine's clock, over whatever tells VM time: the engine, or the host's monotonic clock. */
export class VmClock implements Clock {
  private readonly queue = new AlarmQueue();

  constructor(private readonly source: () => bigint) {}

  now(): bigint {
    return this.source();
  }

  alarm(deviceId: string, name: string, fire: (deadline: bigint) => void): Alarm {
    return this.queue.alarm(deviceId, name, fire);
  }

  nextDeadline(): bigint | null {
    return this.queue.nextDeadline();
  }

  fireDue(): void {
    this.queue.fireDue(this.source());
  }
}

/** A clock that moves only when told to. */
export class ManualClock implements Clock {
  private readonly queue = new AlarmQueue();

  constructor(private time = 0n) {}

  now(): bigint {
    return this.time;
  }

  alarm(deviceId: string, name: string, fire: (deadline: bigint) => void): Alarm {
    return this.queue.alarm(deviceId, name, fire);
  }

  nextDeadline(): bigint | null {
    return this.queue.nextDeadline();
  }

  advance(nanoseconds: bigint): void {
    this.advanceTo(this.time + nanoseconds);
  }

  /** Stops at every deadline on the way, as a machine does that runs until its next alarm. */
  advanceTo(target: bigint): void {
    for (let next = this.nextDeadline(); next !== null && next <= target; next = this.nextDeadline()) {
      if (next > this.time) this.time = next;
      this.queue.fireDue(next);
    }
    if (target > this.time) this.time = target;
  }

  /** Moves the time without firing anything, as a restore does. */
  set(time: bigint): void {
    this.time = time;
  }
}
