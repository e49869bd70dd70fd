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

export interface ResumeRequest {
  /** Folder of the store. */
  readonly store: string;
  readonly name: string;
  /** Leave a suspend in the store: it can be resumed again. */
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
    const consumed = !keep && !clone && store.open(name).manifest.kind === 'suspend';
    const claim = consumed ? store.claim(name) : null;
    try {
      const { machine, snapshot, watch } = loadMachine(store, name, { ...options, ...following, shared: clone, host });
      const canLog = machine.parts.engine.capabilities.dirtyLog;
      const changes = canLog && !consumed ? new ChangeLog(machine, snapshot) : null;
      return new ResumedMachine(machine, store, name, changes, watch, claim);
    } catch (error) {
      if (claim !== null) closeSync(claim);
      throw error;
    }
  }

  /**
   * To be called now and then once the machine runs. Answers why it must stop, or null. The snapshot goes when nothing
   * is read from it any more: a crash before that leaves it whole.
   */
  poll(warn: (message: string) => void): SnapshotError | null {
    const fault = this.watch?.poll() ?? null;
    if (fault !== null) this.release();
    else if (this.watch?.isVerified ?? true) this.consume(warn);
    return fault;
  }

  /** The machine has ended. */
  end(warn: (message: string) => void): void {
    this.watch?.stop();
    if (this.claim === null) return;
    warn(`${this.name} is kept: the machine ended before the snapshot was verified`);
    this.release();
  }

  private consume(warn: (message: string) => void): void {
    if (this.claim === null) return;
    try {
      this.store.consume(this.name);
    } catch (cause) {
      warn(`${snapshotError(this.name, cause).message}; the snapshot is kept`);
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
