// SPDX-License-Identifier: BSD-2-Clause
/** Saves the machine of this thread, which does nothing else meanwhile. */
import { saveMachine } from '../snapshot/save-machine.js';
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

/** The way back to whoever asked, while the thread is busy. */
export interface SaveWatcher {
  onProgress(done: number, total: number): void;
  isCancelled(): boolean;
}

/** Gives the snapshot the next name of this VM. A suspended machine has stopped after it; any other goes on. */
export function saveOnThread(machine: Machine, request: SaveRequest, watcher: SaveWatcher): SavedSnapshot {
  const { kind, store: root } = request;
  const start = performance.now();
  const wasRunning = pauseToSave(machine);
  try {
    const store = new SnapshotStore(root);
    const name = request.name ?? store.nextName(machine.parts.config.name);
    const { manifest } = saveMachine(machine, store, name, { ...watcher, kind });
    if (kind === 'suspend') machine.powerOff({ kind: 'suspended', snapshot: name });
    else if (wasRunning) machine.resume();
    return {
      name,
      bytes: manifest.ram.stored,
      stoppedMilliseconds: performance.now() - start,
      lastPages: manifest.ram.stored / 4096,
    };
  } catch (cause) {
    if (wasRunning) machine.resume();
    throw new Error(`${cause instanceof Error ? cause.message : String(cause)}; the VM runs on`, { cause });
  }
}

/** False if the machine was paused already. */
function pauseToSave(machine: Machine): boolean {
  const { state } = machine;
  if (state === 'paused') return false;
  if (state !== 'running') throw new Error(`the machine is ${state}`);
  machine.pause();
  return true;
}
