// SPDX-License-Identifier: BSD-2-Clause
/** Saves the machine of this thread, which does nothing else meanwhile. */
import { saveMachine } from '../snapshot/save-machine.js';
import { SnapshotStore } from '../snapshot/store.js';
import type { Machine } from './machine.js';

export type SaveKind = 'suspend' | 'snapshot';

export interface SaveRequest {
  readonly kind: SaveKind;
  /** Folder of the store. */
  readonly store: string;
}

export interface SavedSnapshot {
  readonly name: string;
  /** Of memory, as it is stored. */
  readonly bytes: number;
}

/** The way back to whoever asked, while the thread is busy. */
export interface SaveWatcher {
  onProgress(done: number, total: number): void;
  isCancelled(): boolean;
}

/** Gives the snapshot the next name of this VM. A suspended machine has stopped after it; any other goes on. */
export function saveOnThread(
  machine: Machine,
  { kind, store: root }: SaveRequest,
  watcher: SaveWatcher,
): SavedSnapshot {
  const wasRunning = pauseToSave(machine);
  try {
    const store = new SnapshotStore(root);
    const name = store.nextName(machine.parts.config.name);
    const { manifest } = saveMachine(machine, store, name, { ...watcher, kind });
    if (kind === 'suspend') machine.powerOff({ kind: 'suspended', snapshot: name });
    else if (wasRunning) machine.resume();
    return { name, bytes: manifest.ram.stored };
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
