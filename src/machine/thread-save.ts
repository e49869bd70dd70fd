// SPDX-License-Identifier: BSD-2-Clause
/** Saves the machine of this thread, piece by piece: the thread goes on with everything else. */
import { ChangeLog } from '../snapshot/change-log.js';
import { MachineHold } from '../snapshot/machine-hold.js';
import { type Saved, saveSteps } from '../snapshot/save-machine.js';
import { SnapshotError } from '../snapshot/snapshot-error.js';
import { StepRunner } from '../snapshot/steps.js';
import { SnapshotStore } from '../snapshot/store.js';
import type { Machine } from './machine.js';

export type SaveKind = 'suspend' | 'snapshot';

/** What somebody asks to be saved, and how. */
export interface SaveOrder {
  readonly kind: SaveKind;
  /** `<vm>-<n>` unless given. */
  readonly name?: string;
  /** A snapshot of the same store: only what changed since then is saved. */
  readonly parent?: string;
  /** Copy memory while the guest runs and stop it only for the rest; for snapshots. */
  readonly live?: boolean;
}

export interface SaveRequest extends SaveOrder {
  /** Folder of the store. */
  readonly store: string;
}

export interface SavedSnapshot {
  readonly name: string;
  /** Of memory, as it is stored. */
  readonly bytes: number;
  /** Host time that the guest stood still. */
  readonly stoppedMilliseconds: number;
  /** Pages that were written in that time; with `live` the last of several rounds. */
  readonly lastPages: number;
}

/** Somebody waits for the end of a save. */
export interface SaveWatcher {
  /** Bytes that are done, and all. */
  onProgress(done: number, total: number): void;
  onSaved(saved: SavedSnapshot): void;
  onFailed(message: string): void;
}

interface ActiveSave {
  readonly request: SaveRequest;
  readonly name: string;
  readonly runner: StepRunner<Saved>;
  readonly watcher: SaveWatcher;
}

/** The saves of one machine, one at a time. */
export class ThreadSaves {
  readonly hold: MachineHold;
  private active: ActiveSave | null = null;

  /** `changes` begins where the machine was restored; without it the first snapshot begins to log. */
  constructor(
    private readonly machine: Machine,
    private changes: ChangeLog | null,
  ) {
    this.hold = new MachineHold(machine);
  }

  get isActive(): boolean {
    return this.active !== null;
  }

  begin(request: SaveRequest, watcher: SaveWatcher): void {
    if (this.active !== null) throw new Error(`a ${this.active.request.kind} is on its way`);
    const { state } = this.machine;
    if (state !== 'running' && state !== 'paused') throw new Error(`the machine is ${state}`);
    try {
      this.active = this.start(request, watcher);
    } catch (cause) {
      throw new Error(withFate(cause, this.machine), { cause });
    }
  }

  /** Goes on, and waits at most so long for something to do. */
  poll(milliseconds: number): void {
    if (this.active === null) return;
    const { runner, watcher } = this.active;
    try {
      for (let { pending } = runner; pending !== null; { pending } = runner) {
        const hasEnded = pending.wait(milliseconds);
        watcher.onProgress(pending.done(), pending.total());
        if (!hasEnded) return;
        runner.advance();
      }
      this.succeed(this.active, runner.result);
    } catch (cause) {
      this.fail(this.active, cause);
    }
  }

  /** Nothing is left of the save. The machine goes on as before, unless `end` says how it ends. False if there was none. */
  cancel(end?: string): boolean {
    if (this.active === null) return false;
    try {
      this.active.runner.abort(new Error(end ?? 'cancelled'));
    } catch (cause) {
      if (end === undefined) this.fail(this.active, cause);
      else this.failWith(this.active, end);
    }
    return true;
  }

  private start(request: SaveRequest, watcher: SaveWatcher): ActiveSave {
    const { kind, parent, live = true } = request;
    const { parts } = this.machine;
    const store = new SnapshotStore(request.store);
    const name = request.name ?? store.nextName(parts.config.name);
    const canLog = parts.engine.capabilities.dirtyLog;
    if (canLog && kind === 'snapshot') this.changes ??= new ChangeLog(this.machine);
    if (parent !== undefined && this.changes === null) {
      throw new SnapshotError(parent, 'the VM does not know what it has written since then: it has no snapshot yet');
    }
    const steps = saveSteps(this.machine, store, name, {
      kind,
      hold: this.hold,
      live: live && canLog,
      parent: parent === undefined ? null : store.open(parent),
      ...(this.changes !== null && { changes: this.changes }),
    });
    return { request, name, runner: new StepRunner(steps), watcher };
  }

  private succeed({ request: { kind }, name, watcher }: ActiveSave, saved: Saved): void {
    this.active = null;
    if (kind === 'suspend') this.machine.powerOff({ kind: 'suspended', snapshot: name });
    const { snapshot, stoppedMilliseconds, lastPages } = saved;
    watcher.onSaved({ name, bytes: snapshot.manifest.ram.stored, stoppedMilliseconds, lastPages });
  }

  private fail(save: ActiveSave, cause: unknown): void {
    this.failWith(save, withFate(cause, this.machine));
  }

  private failWith({ watcher }: ActiveSave, message: string): void {
    this.active = null;
    watcher.onFailed(message);
  }
}

function withFate(cause: unknown, { state }: Machine): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return state === 'stopped' ? `the VM has ended: ${message}` : `${message}; the VM runs on`;
}
