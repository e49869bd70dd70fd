// SPDX-License-Identifier: BSD-2-Clause
import type { FileDamage, RamJob } from '../hypervisor/ram-job.js';
import type { Machine } from '../machine/machine.js';
import { SnapshotError, snapshotError } from './snapshot-error.js';
import type { Pending } from './steps.js';

const SETTLE_MS = 1000;

/** What is still to be found out about the memory of a machine that runs from a mapped snapshot. */
export class RestoreWatch {
  private verified = false;

  constructor(
    private readonly path: string,
    private readonly damage: () => FileDamage,
    private readonly verification: RamJob<null>,
  ) {}

  /** Everything is as it was saved. */
  get isVerified(): boolean {
    return this.verified;
  }

  /** The end of the verification, which goes on if nobody waits for it any longer. */
  get pending(): Pending {
    const { verification } = this;
    return {
      wait: (milliseconds) => verification.wait(milliseconds),
      stop: () => {},
      done: () => verification.done(),
      total: () => verification.total(),
    };
  }

  /** The reason why the machine must stop, once there is one. Its memory is then not what was saved. */
  poll(): SnapshotError | null {
    const damage = this.damage();
    if (damage !== 'none') return new SnapshotError(this.path, `was ${damage} while a machine ran from it`);
    if (this.verified || !this.verification.wait(0)) return null;
    try {
      this.verification.result();
      this.verified = true;
      return null;
    } catch (cause) {
      return snapshotError(this.path, cause);
    }
  }

  /** As `poll`, once everything is verified. */
  settle(): SnapshotError | null {
    while (!this.verification.wait(SETTLE_MS));
    return this.poll();
  }

  /** The machine has ended. */
  stop(): void {
    this.verification.cancel();
  }
}

const watches = new WeakMap<Machine, RestoreWatch>();

export function watchRestore(machine: Machine, watch: RestoreWatch): void {
  watches.set(machine, watch);
}

/** Null for a machine whose memory is all its own. */
export function restoreWatch(machine: Machine): RestoreWatch | null {
  return watches.get(machine) ?? null;
}
