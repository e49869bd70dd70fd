// SPDX-License-Identifier: BSD-2-Clause

/** One timer of a device. */
export interface Alarm {
  /** Fires once at `deadline`, or as soon as possible if that has passed; an earlier deadline is forgotten. */
  arm(deadline: bigint): void;
  disarm(): void;
  readonly deadline: bigint | null;
}

/** All alarms of a machine, in the order (deadline, device id, name), which is the same in every run. */
export class AlarmQueue {
  private readonly names = new Set<string>();
  /** Sorted. A machine has a few dozen alarms, where a sorted list beats a heap. */
  private readonly armed: QueuedAlarm[] = [];

  alarm(deviceId: string, name: string, fire: (deadline: bigint) => void): Alarm {
    const fullName = `${deviceId}/${name}`;
    if (this.names.has(fullName)) throw new Error(`alarm ${fullName} exists already: names must be unique on a clock`);
    this.names.add(fullName);
    return new QueuedAlarm(this.armed, deviceId, name, fire);
  }

  nextDeadline(): bigint | null {
    return this.armed[0]?.deadline ?? null;
  }

  /** Fires everything that is due at `now`, including what is armed meanwhile. */
  fireDue(now: bigint): void {
    for (let first = this.armed[0]; first?.isDue(now); first = this.armed[0]) first.fire();
  }
}

class QueuedAlarm implements Alarm {
  private time: bigint | null = null;

  constructor(
    private readonly armed: QueuedAlarm[],
    private readonly deviceId: string,
    private readonly name: string,
    private readonly action: (deadline: bigint) => void,
  ) {}

  get deadline(): bigint | null {
    return this.time;
  }

  arm(deadline: bigint): void {
    this.disarm();
    this.time = deadline;
    const after = this.armed.findIndex((other) => this.isBefore(other, deadline));
    this.armed.splice(after < 0 ? this.armed.length : after, 0, this);
  }

  disarm(): void {
    if (this.time === null) return;
    this.time = null;
    this.armed.splice(this.armed.indexOf(this), 1);
  }

  isDue(now: bigint): boolean {
    return this.time !== null && this.time <= now;
  }

  fire(): void {
    const deadline = this.time;
    if (deadline === null) return;
    this.disarm();
    this.action(deadline);
    // A periodic alarm that does not move forward would hold the machine for ever.
    if (this.isDue(deadline)) {
      throw new Error(`alarm ${this.deviceId}/${this.name} was armed again for ${this.time}, not after ${deadline}`);
    }
  }

  /** Plain comparison of code units: a locale must not change the order. */
  private isBefore(other: QueuedAlarm, deadline: bigint): boolean {
    const theirs = other.time ?? 0n;
    if (deadline !== theirs) return deadline < theirs;
    if (this.deviceId !== other.deviceId) return this.deviceId < other.deviceId;
    return this.name < other.name;
  }
}
