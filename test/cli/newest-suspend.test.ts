// SPDX-License-Identifier: BSD-2-Clause
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { newestSuspend } from '../../src/cli/newest-suspend.js';
import { lockFile } from '../../src/hypervisor/ram-files.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { SnapshotStore } from '../../src/snapshot/store.js';
import { markUse } from '../../src/snapshot/suspend-use.js';
import { spoil, temporaryStore } from '../snapshot/support/temporary-store.js';
import { MS, tickMachine } from '../snapshot/support/tick-subject.js';

const NOTHING = { suspend: null, notices: [] };

/** Of the VM `vm`, as the tick machine is called. */
function store(...names: readonly (readonly [string, 'suspend' | 'snapshot'])[]) {
  const snapshots = temporaryStore();
  names.forEach(([name, kind], index) => {
    const machine = tickMachine(MS * BigInt(index + 1));
    saveMachine(machine, snapshots, name, { kind });
    machine.close();
  });
  return snapshots;
}

test('the last suspend of this VM counts, whatever it is called', () => {
  const { root } = store(['vm-1', 'suspend'], ['aaa', 'suspend'], ['vm-2', 'snapshot']);
  expect(newestSuspend(root, 'vm')).toEqual({ suspend: 'aaa', notices: [] });
  expect(newestSuspend(root, 'other')).toEqual(NOTHING);
});

test('a VM without a suspend boots', () => {
  expect(newestSuspend(store(['vm-1', 'snapshot']).root, 'vm')).toEqual(NOTHING);
  expect(newestSuspend(temporaryStore().root, 'vm')).toEqual(NOTHING);
});

test('what is spent or kept is not gone back to', () => {
  const snapshots = store(['vm-1', 'suspend'], ['vm-2', 'suspend'], ['vm-3', 'suspend']);
  markUse(snapshots.open('vm-2'), 'kept');
  markUse(snapshots.open('vm-3'), 'spent');
  expect(newestSuspend(snapshots.root, 'vm')).toEqual({ suspend: 'vm-1', notices: [] });
  expect(snapshots.list().map(({ name }) => name)).toEqual(['vm-1', 'vm-2']);
});

test('a VM that has ended after its suspend was spent boots, which is said once', () => {
  const { root } = store(['vm-1', 'suspend']);
  markUse(new SnapshotStore(root).open('vm-1'), 'spent');
  const notice = 'the VM went on from vm-1 and ended without being suspended again: it boots';
  expect(newestSuspend(root, 'vm')).toEqual({ suspend: null, notices: [notice] });
  expect(newestSuspend(root, 'vm')).toEqual(NOTHING);
});

test('what is spent and cannot be removed is told, and stops nothing', () => {
  const snapshots = store(['vm-1', 'suspend'], ['vm-2', 'suspend']);
  markUse(snapshots.open('vm-1'), 'spent');
  const lock = openSync(join(snapshots.root, 'vm-1/ram'), 'r');
  try {
    lockFile(lock, 'shared'); // as somebody who reads it
    const notice =
      'vm-1: in use by a machine or by a save that builds on it; it is spent and could not be removed: tsbhyve snapshot rm vm-1';
    expect(newestSuspend(snapshots.root, 'vm')).toEqual({ suspend: 'vm-2', notices: [notice] });
  } finally {
    closeSync(lock);
  }
  expect(newestSuspend(snapshots.root, 'vm')).toEqual({ suspend: 'vm-2', notices: [] });
});

test('a broken snapshot that may be its suspend is not passed over', () => {
  const snapshots = store(['vm-1', 'suspend'], ['vm-2', 'suspend']);
  spoil(snapshots, 'vm-2/manifest.json', Buffer.from('{}'));
  expect(() => newestSuspend(snapshots.root, 'vm')).toThrow(
    /^--continue: vm-2\/manifest\.json: .*; remove it \(tsbhyve snapshot rm vm-2\), or go on from another with -r$/,
  );
  expect(newestSuspend(snapshots.root, 'v')).toEqual(NOTHING);
});
