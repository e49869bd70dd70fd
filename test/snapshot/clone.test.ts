// SPDX-License-Identifier: BSD-2-Clause
import { closeSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ChangeLog } from '../../src/snapshot/change-log.js';
import { lockWhenFree } from '../../src/snapshot/lock-when-free.js';
import { ResumedMachine } from '../../src/snapshot/resumed-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { SnapshotStore } from '../../src/snapshot/store.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { fileIn, spoil, temporaryStore } from './support/temporary-store.js';
import { MS, tickMachine } from './support/tick-subject.js';

function chain(kind: 'snapshot' | 'suspend' = 'snapshot'): SnapshotStore {
  const store = temporaryStore();
  const machine = tickMachine(MS);
  const changes = new ChangeLog(machine, saveMachine(machine, store, 'full'));
  machine.parts.engine.memory.writeU8(0x10_0000, 1);
  saveMachine(machine, store, 'delta', { changes, kind });
  machine.close();
  return store;
}

const opened: ResumedMachine[] = [];
afterEach(() => {
  for (const { machine } of opened.splice(0)) machine.close();
});

function clone(store: SnapshotStore, from: string, name: string): ResumedMachine {
  const generation = new Uint8Array(16).fill(name.length);
  const identity = { kind: 'new', generation } as const;
  const made = ResumedMachine.load(
    { store: store.root, name: from, keep: false, overrides: { name }, identity, clone: true },
    {},
  );
  opened.push(made);
  return made;
}

const basesOf = (store: SnapshotStore): string[] => readdirSync(store.root).filter((name) => name.startsWith('.base-'));
const byte = ({ machine }: ResumedMachine): number => machine.parts.engine.memory.readU8(0x10_0000);

function verified(resumed: ResumedMachine): void {
  // Nothing is used up, so only the watch can tell; a save waits for it.
  resumed.machine.resume();
  resumed.machine.pause();
  saveMachine(resumed.machine, temporaryStore(), 'settled');
}

test('clones of a full snapshot map the snapshot itself', () => {
  const store = chain();
  const [one, two] = [clone(store, 'full', 'first'), clone(store, 'full', 'second')];
  expect(basesOf(store)).toEqual([]);
  expect([one, two].map(({ machine }) => machine.parts.config.name)).toEqual(['first', 'second']);
  expect(one.machine.parts.board.vmGeneration.guid).not.toEqual(two.machine.parts.board.vmGeneration.guid);
  expect(() => store.remove('full')).toThrow('full: in use');
});

test('clones of a chain share one flattened file that no list shows', () => {
  const store = chain();
  const one = clone(store, 'delta', 'first');
  const [base = ''] = basesOf(store);
  const { ino } = statSync(join(store.root, base, 'ram'));
  const two = clone(store, 'delta', 'second');
  expect(basesOf(store)).toEqual([base]);
  expect(statSync(join(store.root, base, 'ram')).ino).toBe(ino);
  expect([byte(one), byte(two)]).toEqual([1, 1]);
  one.machine.parts.engine.memory.writeU8(0x10_0000, 9);
  expect(byte(two)).toBe(1);
  expect(new SnapshotStore(store.root).list().map(({ name }) => name)).toEqual(['delta', 'full']);
  if (process.platform === 'linux') {
    const mappings = readFileSync('/proc/self/maps', 'utf8').split('\n');
    expect(mappings.filter((line) => line.includes(`${base}/ram`)).length).toBeGreaterThanOrEqual(2);
  }
});

test('the flattened file goes with its snapshot, once no clone runs from it', () => {
  const store = chain();
  const one = clone(store, 'delta', 'first');
  expect(() => store.remove('delta')).toThrow('delta: in use by a clone of it');
  verified(one);
  one.machine.close();
  store.remove('delta');
  expect(readdirSync(store.root)).toEqual(['full']);
});

test('a flattened file without its snapshot goes when the store is opened, but not under a clone', () => {
  const store = chain();
  const one = clone(store, 'delta', 'first');
  verified(one);
  rmSync(join(store.root, 'delta'), { recursive: true });
  new SnapshotStore(store.root);
  expect(basesOf(store)).toHaveLength(1);
  one.machine.close();
  new SnapshotStore(store.root);
  expect(basesOf(store)).toEqual([]);
});

test('it belongs to the snapshot under any name, and a damaged one is made anew', () => {
  const store = chain();
  const first = clone(store, 'delta', 'first');
  verified(first); // or its verification still reads the file
  first.machine.close();
  renameSync(join(store.root, 'delta'), join(store.root, 'moved'));
  const [base = ''] = basesOf(new SnapshotStore(store.root));
  spoil(store, `${base}/manifest.json`, Buffer.from('{}'));
  expect(byte(clone(store, 'moved', 'second'))).toBe(1);
  expect(fileIn(store, `${base}/manifest.json`).length).toBeGreaterThan(100);
});

test('a clone does not use a suspend up, and its resume takes the flattened file with it', () => {
  const store = chain('suspend');
  const copy = clone(store, 'delta', 'first');
  for (let round = 0; round < 100; round += 1) expect(copy.poll(() => {})).toBeNull();
  expect(store.open('delta').manifest.kind).toBe('suspend');
  copy.machine.close();
  const resumed = ResumedMachine.load({ store: store.root, name: 'delta', keep: false, overrides: {} }, {});
  opened.push(resumed);
  resumed.machine.resume();
  while (existsSync(join(store.root, 'delta'))) expect(resumed.poll(() => {})).toBeNull();
  expect(readdirSync(store.root)).toEqual(['full']);
});

test('a clone has a name and an id of its own', () => {
  const store = chain();
  expect(() => clone(store, 'full', 'vm')).toThrow("full: a clone needs a name of its own, not 'vm'");
  const request = { store: store.root, name: 'full', keep: false, overrides: { name: 'other' }, clone: true };
  expect(() => ResumedMachine.load(request, {})).toThrow('full: a clone needs a generation id of its own');
});

test('a lock that somebody else holds is waited for', () => {
  const store = chain();
  const path = join(store.root, 'delta/manifest.json');
  const held = lockWhenFree(path, 'delta');
  let asked = 0;
  const isTired = (): boolean => {
    asked += 1;
    return asked === 3;
  };
  expect(() => lockWhenFree(path, 'delta', { isCancelled: isTired })).toThrow('delta: cancelled');
  expect(asked).toBe(3);
  const isCancelled = (): boolean => {
    closeSync(held);
    return false;
  };
  closeSync(lockWhenFree(path, 'delta', { isCancelled }));
  expect(() => lockWhenFree(join(temporaryFolder(), 'none'), 'none')).toThrow('none: ');
});
