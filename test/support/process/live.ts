// SPDX-License-Identifier: BSD-2-Clause
/** One piece of a life: out of a store, on for a while, and back into it. */
import type { Machine } from '../../../src/machine/machine.js';
import { ChangeLog } from '../../../src/snapshot/change-log.js';
import { type LoadOptions, loadMachine } from '../../../src/snapshot/load-machine.js';
import { MachineHold } from '../../../src/snapshot/machine-hold.js';
import { saveMachine } from '../../../src/snapshot/save-machine.js';
import { SnapshotStore } from '../../../src/snapshot/store.js';
import { roleOf } from '../../../src/snapshot/suspend-use.js';
import { saveLive } from '../../snapshot/support/live-save.js';
import { digestsOf } from '../disk-guest.js';
import { finish } from '../proof.js';
import { type Carried, carriedFrom, carriedHash, type LifeOrder, type LifeReport } from './life.js';

export function live(order: LifeOrder): LifeReport {
  const { store: root, name, carried, end, most, save } = order;
  const store = new SnapshotStore(root);
  const output = [...carried.output];
  const isSuspend = roleOf(store.open(name)) === 'suspend';
  const { machine, watch, snapshot } = loadMachine(store, name, {
    ...restoreOptions(order),
    ...(isSuspend && { use: 'spend' as const }),
    host: { outputs: { com1: { write: (byte) => output.push(byte) } }, hashExits: carriedHash(carried) },
  });
  try {
    const changes =
      save === undefined || ['full', 'suspend'].includes(save.kind) ? null : new ChangeLog(machine, snapshot);
    const evidence = finish(machine, output, end, most);
    const fault = watch?.settle() ?? null;
    if (fault !== null) throw fault;
    const options = changes === null ? {} : { changes };
    const disks = digestsOf(machine);
    if (save?.kind === 'live') {
      const hold = new CarryingHold(machine, output);
      saveLive(machine, store, save.name, { ...options, hold });
      return { evidence, carried: hold.carried, disks };
    }
    if (save !== undefined) {
      const kind = save.kind === 'suspend' ? 'suspend' : 'snapshot';
      saveMachine(machine, store, save.name, { ...options, kind });
    }
    return { evidence, carried: carriedFrom(machine, output), disks };
  } finally {
    machine.close();
  }
}

function restoreOptions({ isForeign, isClone, generation }: LifeOrder): LoadOptions {
  return {
    ...(isForeign === true && { trust: 'foreign' }),
    ...(isClone === true && { shared: true }),
    ...(generation !== undefined && { identity: { kind: 'new', generation } }),
  };
}

/** Knows what is to be carried at the instant at which a running machine was saved. */
class CarryingHold extends MachineHold {
  carried: Carried;

  constructor(
    private readonly held: Machine,
    private readonly output: readonly number[],
  ) {
    super(held);
    this.carried = carriedFrom(held, output);
  }

  override take(): void {
    super.take();
    this.carried = carriedFrom(this.held, this.output);
  }
}
