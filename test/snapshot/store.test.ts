// SPDX-License-Identifier: BSD-2-Clause
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChangeLog } from '../../src/snapshot/change-log.js';
import { isOrphan } from '../../src/snapshot/draft-owner.js';
import { loadMachine } from '../../src/snapshot/load-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { SnapshotError } from '../../src/snapshot/snapshot-error.js';
import { SnapshotStore } from '../../src/snapshot/store.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { temporaryStore } from './support/temporary-store.js';
import { MS, savedTick, tickMachine } from './support/tick-subject.js';

const mode = (path: string): number => statSync(path).mode & 0o777;

test('a finished snapshot has its four files, readable by its owner alone', () => {
  const store = temporaryStore();
  const { folder } = savedTick(store, 'one');
  expect(readdirSync(folder).sort()).toEqual(['index.cbor', 'manifest.json', 'ram', 'state.cbor']);
  for (const file of readdirSync(folder)) expect(mode(join(folder, file))).toBe(0o400);
  expect(mode(folder)).toBe(0o700);
  expect(mode(store.root)).toBe(0o700);
});

test('pages that are zero take no space', () => {
  const { folder, manifest } = savedTick(temporaryStore(), 'one');
  const { size, blocks } = statSync(join(folder, 'ram'));
  expect(size).toBe(2 * 1024 * 1024);
  expect(blocks * 512).toBeLessThan(256 * 1024);
  expect(manifest.ram.stored).toBeGreaterThan(0);
});

test('progress ends with all stored bytes', () => {
  const machine = tickMachine(MS);
  const seen: number[][] = [];
  const onProgress = (done: number, total: number): number => seen.push([done, total]);
  const { manifest } = saveMachine(machine, temporaryStore(), 'one', { onProgress });
  machine.close();
  expect(seen.at(-1)).toEqual([manifest.ram.stored, manifest.ram.stored]);
});

test('a store that others may enter is refused', () => {
  const root = join(temporaryFolder(), 'open');
  mkdirSync(root);
  chmodSync(root, 0o755);
  expect(() => new SnapshotStore(root)).toThrow(`chmod 700 ${root}`);
});

test('a name is never overwritten, and a failed save leaves nothing', () => {
  const store = temporaryStore();
  const first = savedTick(store, 'one').manifest.id;
  expect(() => savedTick(store, 'one')).toThrow('one: there is a snapshot of this name: choose another');
  expect(store.open('one').manifest.id).toBe(first);
  const machine = tickMachine(MS);
  expect(() => saveMachine(machine, store, 'two', { onProgress: fail })).toThrow('disk');
  expect(() => saveMachine(machine, store, 'two', { isCancelled: () => true })).toThrow('two/ram: cancelled');
  expect(readdirSync(store.root)).toEqual(['one']);
  saveMachine(machine, store, 'two');
  machine.close();
});

function fail(): void {
  throw new Error('disk');
}

test.each(['', '.hidden', '../up', 'a/b', 'a'.repeat(65), 'nul\0'])('the name %j is refused', (name) => {
  const store = temporaryStore();
  for (const use of [() => store.open(name), () => store.begin(name), () => store.remove(name)]) {
    expect(use).toThrow(SnapshotError);
    expect(use).toThrow('letters, digits');
  }
});

test('a snapshot that others build on is not removed; then, from the newest, all are', () => {
  const store = temporaryStore();
  const machine = tickMachine(MS);
  const changes = new ChangeLog(machine, saveMachine(machine, store, 'base'));
  saveMachine(machine, store, 'child', { changes });
  machine.close();
  expect(() => store.remove('base')).toThrow('base: in use: child build on it');
  store.remove('child');
  store.remove('base');
  expect(readdirSync(store.root)).toEqual([]);
});

test('a snapshot that a machine runs from is not removed', () => {
  const store = temporaryStore();
  savedTick(store, 'one');
  const { machine, watch } = loadMachine(store, 'one');
  expect(() => store.remove('one')).toThrow('one: in use by a machine');
  expect(watch?.settle()).toBeNull();
  machine.close();
  store.remove('one');
  expect(store.list()).toEqual([]);
});

test('parents are found by id, so a renamed one is the parent still', () => {
  const store = temporaryStore();
  const machine = tickMachine(MS);
  const changes = new ChangeLog(machine, saveMachine(machine, store, 'base'));
  saveMachine(machine, store, 'child', { changes });
  machine.close();
  renameSync(join(store.root, 'base'), join(store.root, 'moved'));
  expect(store.chain(store.open('child')).map(({ name }) => name)).toEqual(['child', 'moved']);
});

test('drafts of ended processes go when the store is opened, those of living ones stay', () => {
  const store = temporaryStore();
  const { pid } = spawnSync(process.execPath, ['--version']);
  const dead = `.draft-${pid}-12345-0123456789abcdef`;
  const reused = `.draft-${process.pid}-1-0123456789abcdef`;
  for (const name of [dead, reused]) {
    mkdirSync(join(store.root, name));
    writeFileSync(join(store.root, name, 'ram'), 'x');
  }
  const mine = store.begin('mine');
  expect(isOrphan(mine.folder.slice(store.root.length + 1))).toBe(false);
  const again = new SnapshotStore(store.root);
  expect(readdirSync(again.root)).toEqual([mine.folder.slice(store.root.length + 1)]);
  mine.abandon();
  expect(existsSync(mine.folder)).toBe(false);
});

test('the list has broken snapshots too, with the reason', () => {
  const store = temporaryStore();
  savedTick(store, 'good');
  mkdirSync(join(store.root, 'bad'));
  const [bad, good] = store.list();
  expect(bad).toMatchObject({ name: 'bad', problem: expect.any(SnapshotError) });
  expect(good).toMatchObject({ name: 'good', snapshot: { name: 'good' } });
});
