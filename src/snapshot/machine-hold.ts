// SPDX-License-Identifier: BSD-2-Clause
import type { Machine } from '../machine/machine.js';

/** Keeps a machine still while it is saved. What it is asked meanwhile it does afterwards. */
export class MachineHold {
  private runAfter = false;
  private since = 0;
  private milliseconds = 0;
  private taken = false;

  constructor(private readonly machine: Machine) {}

  /** Host time that the guest has stood still, this time or the last. */
  get stoppedMilliseconds(): number {
    return this.taken ? performance.now() - this.since : this.milliseconds;
  }

  get isTaken(): boolean {
    return this.taken;
  }

  take(): void {
    this.since = performance.now();
    this.runAfter = this.machine.state === 'running';
    if (this.runAfter) this.machine.pause();
    this.taken = true;
  }

  release(): void {
    if (!this.taken) return;
    this.taken = false;
    if (this.runAfter && this.machine.state === 'paused') this.machine.resume();
    this.milliseconds = performance.now() - this.since;
  }

  pause(): void {
    if (this.taken) this.runAfter = false;
    else this.machine.pause();
  }

  resume(): void {
    if (this.taken) this.runAfter = true;
    else this.machine.resume();
  }
}
