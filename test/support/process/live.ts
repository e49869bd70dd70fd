// SPDX-License-Identifier: BSD-2-Clause
/** One piece of a life: out of a store, on for a while, and back into it. */
import type { Machine } from '../../../src/machine/machine.js';
import { ChangeLog } from '../../../src/snapshot/change-log.js';
import { loadMachine } from '../../../src/snapshot/load-machine.js';
import { saveMachine } from '../../../src/snapshot/save-machine.js';
import { SnapshotStore } from '../../../src/snapshot/store.js';
import { finish } from '../proof.js';
import { carriedFrom, carriedHash, type LifeOrder, type LifeReport, type SaveKind } from './life.js';

/** Knows how to save the machine that it watches since it was saved or restored. */
export interface Saver {
  save(store: SnapshotStore, name: string, kind: SaveKind): void;
}

/** The machine must be as the snapshot `base` has it. */
export function saverFrom(machine: Machine, store: SnapshotStore, base: string): Saver {
  const changes = new ChangeLog(machine, store.open(base));
  return {
    save: (target, name, kind) => {
      saveMachine(machine, target, name, kind === 'incremental' ? { changes } : {});
    },
  };
}

export function live({ store: root, name, isForeign, carried, end, most, save }: LifeOrder): LifeReport {
  const store = new SnapshotStore(root);
  const output = [...carried.output];
  const { machine, watch } = loadMachine(store, name, {
    ...(isForeign === true && { trust: 'foreign' }),
    host: { outputs: { com1: { write: (byte) => output.push(byte) } }, hashExits: carriedHash(carried) },
  });
  try {
    const saver = save === undefined ? null : saverFrom(machine, store, name);
    const evidence = finish(machine, output, end, most);
    const fault = watch?.settle() ?? null;
    if (fault !== null) throw fault;
    if (save !== undefined) saver?.save(store, save.name, save.kind);
    return { evidence, carried: carriedFrom(machine, output) };
  } finally {
    machine.close();
  }
}
