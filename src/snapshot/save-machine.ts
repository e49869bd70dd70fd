// SPDX-License-Identifier: BSD-2-Clause
/** Saves a machine: the order in which it stops, is written, goes on, and its snapshot becomes visible. */
import { closeSync } from 'node:fs';
import { encode } from '../core/cbor.js';
import { isKept } from '../host/disk/kept-disk.js';
import { newId } from '../host/new-id.js';
import type { Machine } from '../machine/machine.js';
import { saveTree } from '../machine/machine-state.js';
import { ChangeLog, type Mark } from './change-log.js';
import { DiskSave } from './disks/disk-save.js';
import type { Draft } from './draft.js';
import { finish, originOf } from './finish-snapshot.js';
import { ramTransfer } from './machine-facts.js';
import { MachineHold } from './machine-hold.js';
import type { ManifestBody } from './manifest.js';
import { RamCopy } from './ram-copy.js';
import { restoreWatch } from './restore-watch.js';
import { refusing, SnapshotError } from './snapshot-error.js';
import { FILES, type SnapshotFolder } from './snapshot-folder.js';
import { type Following, runSteps, type Steps } from './steps.js';
import type { SnapshotStore } from './store.js';

export interface SaveOptions {
  readonly kind?: ManifestBody['kind'];
  /** Knows what was written since earlier snapshots, and from then on since this one. */
  readonly changes?: ChangeLog;
  /** Saves only what changed since this one; the newest that `changes` knows, unless given. Null saves everything. */
  readonly parent?: SnapshotFolder | null;
  /** Copies memory while the machine runs and stops it only for the rest. */
  readonly live?: boolean;
  readonly hold?: MachineHold;
  /** Host time in nanoseconds since 1970. */
  readonly now?: bigint;
}

export interface Saved {
  readonly snapshot: SnapshotFolder;
  /** Host time that the machine stood still. */
  readonly stoppedMilliseconds: number;
  /** Pages that were copied in that time. */
  readonly lastPages: number;
}

/** As `saveSteps`, for a caller who waits. */
export function saveMachine(
  machine: Machine,
  store: SnapshotStore,
  name: string,
  options: SaveOptions & Following = {},
): SnapshotFolder {
  return runSteps(saveSteps(machine, store, name, options), `${name}/${FILES.ram}`, options).snapshot;
}

/**
 * Saves a paused or running machine under a new name. At its end the snapshot is durable; when it throws, there is nothing
 * of it. Either way a machine that ran runs on, except after a suspend, which the hold then still keeps.
 */
export function* saveSteps(
  machine: Machine,
  store: SnapshotStore,
  name: string,
  options: SaveOptions = {},
): Steps<Saved> {
  ramTransfer(machine); // refuses what cannot be saved before anything is done
  if (machine.state === 'built' && machine.parts.disks.some(({ backend }) => isKept(backend))) {
    throw new SnapshotError(name, 'a machine that was restored has to run before its disks are saved again');
  }
  yield* verified(machine);
  const changes = options.changes ?? (options.live === true ? new ChangeLog(machine) : null);
  try {
    return yield* new MachineSave(machine, store, name, changes, options).run();
  } finally {
    if (options.changes === undefined) changes?.close();
  }
}

/** What a mapped snapshot has not proven yet must not get a fresh digest. */
function* verified(machine: Machine): Steps<void> {
  const watch = restoreWatch(machine);
  if (watch === null) return;
  if (!watch.isVerified) yield watch.pending;
  throwIf(watch.poll());
}

class MachineSave {
  private readonly kind: ManifestBody['kind'];
  private readonly parent: SnapshotFolder | null;
  private readonly hold: MachineHold;
  private readonly id = newId();

  constructor(
    private readonly machine: Machine,
    private readonly store: SnapshotStore,
    private readonly name: string,
    private readonly changes: ChangeLog | null,
    private readonly options: SaveOptions,
  ) {
    const { kind = 'snapshot', parent = options.changes?.parent ?? null, hold = new MachineHold(machine) } = options;
    this.kind = kind;
    this.parent = parent;
    this.hold = hold;
  }

  *run(): Steps<Saved> {
    const lock = this.parent?.openRam(); // until the child, which needs it, is in the store
    try {
      const draft = this.store.begin(this.name);
      const disks = new DiskSave(this.machine, { id: this.id, path: draft.target }, this.kind);
      try {
        return yield* this.saveInto(draft, disks);
      } catch (error) {
        disks.undo(!this.hold.isTaken);
        draft.abandon();
        this.hold.release();
        throw error;
      }
    } finally {
      if (lock !== undefined) closeSync(lock);
    }
  }

  private *saveInto(draft: Draft, disks: DiskSave): Steps<Saved> {
    const { machine, hold, changes, kind } = this;
    const copy = new RamCopy(machine, draft, changes, this.parent);
    try {
      // Digest and sync of a snapshot come after the machine has gone on.
      const goesOn = machine.state === 'running' && kind === 'snapshot';
      if (goesOn && this.options.live === true) yield* copy.rounds();
      yield* disks.prepare();
      hold.take();
      return yield* this.saveStopped(draft, copy, disks, goesOn);
    } finally {
      copy.close();
    }
  }

  private *saveStopped(draft: Draft, copy: RamCopy, disks: DiskSave, goesOn: boolean): Steps<Saved> {
    const { id, machine, parent, kind, hold, changes } = this;
    const last = changes?.collect() ?? null;
    const mark = changes?.mark();
    try {
      const origin = originOf(machine, { id, parent, kind, now: this.options.now });
      disks.take();
      const tree = refusing(this.name, () => saveTree(machine));
      const ram = goesOn ? yield* copy.rest(last) : yield* copy.whole();
      if (goesOn) hold.release();
      disks.pin();
      const state = refusing(this.name, () => encode(tree)); // of copies, so the guest need not wait for it
      const digest = ram.digest ?? (yield* copy.seal());
      throwIf(restoreWatch(machine)?.poll());
      const snapshot = finish(draft, origin, { ...ram, state, digest, disks: disks.records() });
      this.commit(disks);
      return this.saved(snapshot, copy, mark);
    } catch (error) {
      if (mark !== undefined) changes?.forget(mark);
      throw error;
    }
  }

  private commit(disks: DiskSave): void {
    try {
      disks.commit();
    } catch (error) {
      this.store.withdraw(this.name);
      throw error;
    }
  }

  private saved(snapshot: SnapshotFolder, { lastPages }: RamCopy, mark: Mark | undefined): Saved {
    if (mark !== undefined) mark.snapshot = snapshot;
    if (this.kind === 'snapshot') this.hold.release();
    return { snapshot, stoppedMilliseconds: this.hold.stoppedMilliseconds, lastPages };
  }
}

function throwIf(error: Error | null | undefined): void {
  if (error) throw error;
}
