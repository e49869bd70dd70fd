// SPDX-License-Identifier: BSD-2-Clause
/** A machine that goes on from a snapshot: its memory may still have to be verified, and a suspend is used up by it. */
import { closeSync } from 'node:fs';
import type { BuildOptions } from '../machine/build.js';
import type { Machine } from '../machine/machine.js';
import { ChangeLog } from './change-log.js';
import { loadMachine } from './load-machine.js';
import type { Overrides } from './overrides.js';
import type { Identity } from './restoration.js';
import type { RestoreWatch } from './restore-watch.js';
import { SnapshotError, snapshotError } from './snapshot-error.js';
import type { Following } from './steps.js';
import { SnapshotStore } from './store.js';
import { refuseSpent, roleOf } from './suspend-use.js';

export interface ResumeRequest {
  /** Folder of the store. */
  readonly store: string;
  readonly name: string;
  /** Make a snapshot of a suspend, which would otherwise be spent: it can be resumed again. */
  readonly keep: boolean;
  readonly overrides: Overrides;
  /** The saved one's (keep), unless given. */
  readonly identity?: Identity;
  /** One of several machines that go on from there: it leaves the snapshot alone, and shares its pages. */
  readonly clone?: boolean;
  /** Reads everything back before the machine runs. */
  readonly verify?: boolean;
  /** Host time in nanoseconds since 1970; when the machine is made, unless given. */
  readonly now?: bigint;
}

export class ResumedMachine {
  private isSpent = false;

  private constructor(
    readonly machine: Machine,
    private readonly store: SnapshotStore,
    private readonly name: string,
    /** What it has written since; null if the snapshot is about to be used up. */
    readonly changes: ChangeLog | null,
    private readonly watch: RestoreWatch | null,
    private claim: number | null,
  ) {}

  static load(request: ResumeRequest, host: Omit<BuildOptions, 'restored'>, following: Following = {}): ResumedMachine {
    const { store: root, name, keep, clone = false, ...options } = request;
    const store = new SnapshotStore(root);
    if (clone) checkClone(request, store.open(name).manifest.machine.name);
    const isSuspend = !clone && roleOf(store.open(name)) === 'suspend';
    const claim = isSuspend ? store.claim(name) : null;
    try {
      refuseSpent(store.open(name)); // it may have become so until it was claimed
      const use = clone ? 'clone' : !isSuspend ? 'again' : keep ? 'keep' : 'spend';
      const loading = { ...options, ...following, use, shared: clone, host } as const;
      const { machine, snapshot, watch } = loadMachine(store, name, loading);
      const canLog = machine.parts.engine.capabilities.dirtyLog;
      const changes = canLog && !(isSuspend && !keep) ? new ChangeLog(machine, snapshot) : null;
      const resumed = new ResumedMachine(machine, store, name, changes, watch, claim);
      if (isSuspend) machine.beforeRun(() => resumed.begin(keep));
      return resumed;
    } catch (error) {
      if (claim !== null) closeSync(claim);
      throw error;
    }
  }

  /**
   * To be called now and then. Answers why the machine must stop, or null. A suspend is spent since the first instruction,
   * and its folder goes when nothing is read from it any more.
   */
  poll(warn: (message: string) => void): SnapshotError | null {
    const fault = this.watch?.poll() ?? null;
    if (fault !== null) this.release();
    else if (this.watch?.isVerified ?? true) this.remove(warn);
    return fault;
  }

  /** The machine has ended. */
  end(warn: (message: string) => void): void {
    this.watch?.stop();
    this.remove(warn);
    this.release();
  }

  /** What becomes of the suspend has been written to its folder. */
  private begin(keep: boolean): void {
    if (keep) this.release();
    else this.isSpent = true;
  }

  private remove(warn: (message: string) => void): void {
    if (this.claim === null || !this.isSpent) return;
    try {
      this.store.consume(this.name);
    } catch (cause) {
      warn(`${snapshotError(this.name, cause).message}; it is spent, and tsbhyve snapshot rm removes it`);
    }
    this.release();
  }

  private release(): void {
    if (this.claim !== null) closeSync(this.claim);
    this.claim = null;
  }
}

function checkClone({ name, overrides, identity }: ResumeRequest, savedName: string): void {
  if ((overrides.name ?? savedName) === savedName) {
    throw new SnapshotError(name, `a clone needs a name of its own, not '${savedName}'`);
  }
  if (identity?.kind !== 'new') throw new SnapshotError(name, 'a clone needs a generation id of its own: new');
}
