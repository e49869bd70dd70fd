// SPDX-License-Identifier: BSD-2-Clause
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { ResumedMachine } from '../../src/snapshot/resumed-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { roleOf } from '../../src/snapshot/suspend-use.js';
import { temporaryStore } from './support/temporary-store.js';
import { MS, tickMachine } from './support/tick-subject.js';

const request = { name: 'one', keep: false, overrides: {} };

function suspended(kind: 'suspend' | 'snapshot') {
  const store = temporaryStore();
  const machine = tickMachine(MS);
  saveMachine(machine, store, 'one', { kind });
  machine.close();
  const warnings: string[] = [];
  const load = (keep = false) => ResumedMachine.load({ ...request, keep, store: store.root }, {});
  const names = () => store.list().map(({ name }) => name);
  return { store, load, names, warnings, warn: (line: string) => warnings.push(line) };
}

/** Polls until everything is verified. */
function settle(resumed: ResumedMachine, gone: () => boolean, warn: (line: string) => void): void {
  while (!gone()) expect(resumed.poll(warn)).toBeNull();
}

test('a suspend goes once it is verified, and its machine can still read all memory', () => {
  const { load, names, warnings, warn } = suspended('suspend');
  const resumed = load();
  resumed.machine.resume();
  settle(resumed, () => names().length === 0, warn);
  expect(resumed.machine.parts.engine.memory.readU8(0x1000)).toBe(0xfa); // the first byte of the guest
  resumed.end(warn);
  resumed.machine.close();
  expect(warnings).toEqual([]);
});

test('before the first instruction nothing is used up', () => {
  const { store, load, names, warnings, warn } = suspended('suspend');
  const resumed = load();
  for (let round = 0; round < 100; round += 1) expect(resumed.poll(warn)).toBeNull();
  resumed.end(warn);
  resumed.machine.close();
  expect([names(), warnings, roleOf(store.open('one'))]).toEqual([['one'], [], 'suspend']);
});

test('from the first instruction on it is spent, verified or not, and nobody goes back to it', () => {
  const { store, load, warn } = suspended('suspend');
  const resumed = load();
  resumed.machine.resume();
  expect(roleOf(store.open('one'))).toBe('spent');
  for (const keep of [false, true]) expect(() => load(keep)).toThrow('one: is spent: its VM went on from it');
  resumed.machine.close(); // as a process that dies: without `end`
  expect(roleOf(store.open('one'))).toBe('spent');
  expect(() => load()).toThrow('one: is spent');
  resumed.end(warn);
});

test('a machine that cannot mark its suspend as spent does not run', () => {
  const { store, load, warn } = suspended('suspend');
  const resumed = load();
  mkdirSync(join(store.root, 'one/spent'));
  expect(() => resumed.machine.resume()).toThrow('one: ');
  expect(resumed.machine.state).toBe('built');
  rmdirSync(join(store.root, 'one/spent'));
  expect(roleOf(store.open('one'))).toBe('suspend');
  resumed.machine.resume();
  resumed.end(warn);
  resumed.machine.close();
});

test('only one machine at a time is resumed from a suspend', () => {
  const { load, names, warn } = suspended('suspend');
  const first = load();
  for (const keep of [false, true]) expect(() => load(keep)).toThrow('one: another machine is being resumed from it');
  first.end(warn);
  const second = load();
  expect(names()).toEqual(['one']);
  second.end(warn);
  for (const { machine } of [first, second]) machine.close();
});

test('one that is kept is a snapshot from then on', () => {
  const { store, load, names, warn } = suspended('suspend');
  const kept = load(true);
  kept.machine.resume();
  expect(roleOf(store.open('one'))).toBe('snapshot');
  const again = load();
  again.machine.resume();
  for (const resumed of [kept, again]) {
    resumed.end(warn);
    resumed.machine.close();
  }
  expect([names(), roleOf(store.open('one'))]).toEqual([['one'], 'snapshot']);
});

test('a snapshot stays', () => {
  const { load, names, warnings, warn } = suspended('snapshot');
  const resumed = load();
  for (let round = 0; round < 100; round += 1) expect(resumed.poll(warn)).toBeNull();
  resumed.end(warn);
  resumed.machine.close();
  expect([names(), warnings]).toEqual([['one'], []]);
});

test('the next name of a VM has the number after the highest', () => {
  const { store } = suspended('suspend');
  expect(store.nextName('web')).toBe('web-1');
  const machine = tickMachine(MS);
  for (const name of ['web-2', 'web-9', 'web-10', 'web-x', 'web2-70']) saveMachine(machine, store, name);
  machine.close();
  expect(store.nextName('web')).toBe('web-11');
  expect(store.nextName('w'.repeat(64))).toBe(`${'w'.repeat(54)}-1`);
});
