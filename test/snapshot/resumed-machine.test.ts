// SPDX-License-Identifier: BSD-2-Clause
import { ResumedMachine } from '../../src/snapshot/resumed-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
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
  settle(resumed, () => names().length === 0, warn);
  expect(resumed.machine.parts.engine.memory.readU8(0x1000)).toBe(0xfa); // the first byte of the guest
  resumed.end(warn);
  resumed.machine.close();
  expect(warnings).toEqual([]);
});

test('only one machine at a time is resumed from a suspend, unless it is kept', () => {
  const { load, names, warn } = suspended('suspend');
  const first = load();
  expect(() => load()).toThrow('one: another machine is being resumed from it');
  const kept = load(true);
  first.end(warn); // before it was verified
  const second = load();
  expect(names()).toEqual(['one']);
  for (const { machine } of [first, kept, second]) machine.close();
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
