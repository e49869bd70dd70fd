// SPDX-License-Identifier: BSD-2-Clause
/** The proof through files: a machine saved to a store and loaded from it arrives at the same bits as one left alone. */
import { ChangeLog } from '../../src/snapshot/change-log.js';
import { loadMachine } from '../../src/snapshot/load-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { fakeMachine } from '../support/fake-machine.js';
import { advance, evidence, runTo } from '../support/proof.js';
import { fileIn, temporaryStore } from './support/temporary-store.js';
import { MS, tickSubject } from './support/tick-subject.js';

const subject = tickSubject();
const end = 8n * MS;
const whole = () => runTo(subject, end);

test.each(['own', 'foreign'] as const)('one cut, restored as %s', (trust) => {
  const store = temporaryStore();
  const expected = whole();
  for (const [index, cut] of [7n, 999_999n, 1_000_001n, 2_000_100n, 5_555_555n].entries()) {
    const output: number[] = [];
    const first = subject.build(output, true);
    subject.start(first);
    advance(first, cut);
    saveMachine(first, store, `cut-${index}`);
    const { hash } = first.parts;
    first.close();
    const options = trust === 'foreign' ? { trust } : {};
    const second = loadMachine(store, `cut-${index}`, { ...options, host: subject.host(output, hash ?? true) });
    expect(second.trust).toBe(trust);
    advance(second.machine, end);
    expect(evidence(second.machine, output)).toEqual(expected);
    expect(second.watch?.settle() ?? null).toBeNull();
    second.machine.close();
  }
});

test('a chain of incremental snapshots, each restored and saved again', () => {
  const store = temporaryStore();
  const output: number[] = [];
  let machine = subject.build(output, true);
  subject.start(machine);
  advance(machine, 1000n);
  let changes = new ChangeLog(machine, saveMachine(machine, store, 'link-0'));
  for (let link = 1; link <= 20; link += 1) {
    advance(machine, BigInt(link) * 300_007n);
    const saved = saveMachine(machine, store, `link-${link}`, { changes });
    expect(saved.manifest.parent?.id).toBe(store.open(`link-${link - 1}`).manifest.id);
    const { hash } = machine.parts;
    machine.close();
    machine = loadMachine(store, `link-${link}`, { host: subject.host(output, hash ?? true) }).machine;
    changes = new ChangeLog(machine, saved);
  }
  expect(store.chain(store.open('link-20'))).toHaveLength(21);
  advance(machine, end);
  expect(evidence(machine, output)).toEqual(whole());
  machine.close();
});

test('an incremental snapshot holds the pages that were written, and no others', () => {
  const store = temporaryStore();
  const machine = subject.build([], true);
  subject.start(machine);
  advance(machine, 1000n);
  const changes = new ChangeLog(machine, saveMachine(machine, store, 'full'));
  machine.parts.engine.memory.writeU8(0x12_3456, 7);
  const { present, stored } = saveMachine(machine, store, 'delta', { changes }).readIndex();
  const pages = [...(present ?? [])].flatMap((byte, at) =>
    [...Array(8).keys()].flatMap((bit) => ((byte >> bit) & 1 ? [at * 8 + bit] : [])),
  );
  expect(pages).toEqual([0x123]);
  expect(stored).toEqual(present);
  machine.close();
});

test('a page that became zero is zero after a restore', () => {
  const store = temporaryStore();
  const machine = subject.build([], true);
  subject.start(machine);
  machine.parts.engine.memory.fill(0x10_0000, 8192, 0xaa);
  advance(machine, 1000n);
  const changes = new ChangeLog(machine, saveMachine(machine, store, 'full'));
  machine.parts.engine.memory.fill(0x10_1000, 4096, 0);
  saveMachine(machine, store, 'delta', { changes });
  machine.close();
  for (const options of [{}, { trust: 'foreign' as const }]) {
    const { memory } = loadMachine(store, 'delta', options).machine.parts.engine;
    expect([memory.readU8(0x10_0fff), memory.readU8(0x10_1000), memory.readU8(0x10_1fff)]).toEqual([0xaa, 0, 0]);
  }
});

test('running from a snapshot leaves its files as they were', () => {
  const store = temporaryStore();
  const machine = subject.build([], true);
  subject.start(machine);
  advance(machine, 2n * MS);
  saveMachine(machine, store, 'kept');
  machine.close();
  const before = fileIn(store, 'kept/ram');
  const loaded = loadMachine(store, 'kept');
  loaded.machine.parts.engine.memory.fill(0, 0x10_0000, 0xff);
  advance(loaded.machine, 3n * MS);
  loaded.machine.close();
  expect(fileIn(store, 'kept/ram').equals(before)).toBe(true);
});

test('a failed incremental save loses no page', () => {
  const store = temporaryStore();
  const machine = subject.build([], true);
  subject.start(machine);
  advance(machine, 1000n);
  const changes = new ChangeLog(machine, saveMachine(machine, store, 'full'));
  machine.parts.engine.memory.writeU8(0x12_3456, 7);
  expect(() => saveMachine(machine, store, 'full', { changes })).toThrow('full: there is a snapshot of this name');
  saveMachine(machine, store, 'delta', { changes });
  machine.close();
  expect(loadMachine(store, 'delta').machine.parts.engine.memory.readU8(0x12_3456)).toBe(7);
});

test('two machines from one snapshot do not see each other', () => {
  const store = temporaryStore();
  const machine = subject.build([], true);
  subject.start(machine);
  advance(machine, 2n * MS);
  saveMachine(machine, store, 'one');
  machine.close();
  const [first, second] = [loadMachine(store, 'one').machine, loadMachine(store, 'one').machine];
  first.parts.engine.memory.writeU8(0x10_0000, 9);
  expect(second.parts.engine.memory.readU8(0x10_0000)).toBe(0);
  advance(second, 3n * MS);
  expect(first.time).toBe(2n * MS);
  first.close();
  second.close();
});

test('a machine whose memory cannot go to a file is refused by name', () => {
  const store = temporaryStore();
  const { machine } = fakeMachine(function* () {
    yield { do: 'spend', instructions: 1 };
  });
  machine.resume();
  machine.pause();
  expect(() => saveMachine(machine, store, 'one')).toThrow('engine fake: has no memory that can go to a file');
  expect(store.list()).toEqual([]);
});
