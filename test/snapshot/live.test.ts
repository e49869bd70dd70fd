// SPDX-License-Identifier: BSD-2-Clause
/** Snapshots that are written while the machine runs on. */
import { readdirSync } from 'node:fs';
import type { Machine } from '../../src/machine/machine.js';
import { ChangeLog } from '../../src/snapshot/change-log.js';
import { loadMachine } from '../../src/snapshot/load-machine.js';
import { MachineHold } from '../../src/snapshot/machine-hold.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { verifySnapshot } from '../../src/snapshot/verify-snapshot.js';
import { advance, type Evidence, evidence, runTo } from '../support/proof.js';
import { saveLive } from './support/live-save.js';
import { temporaryStore } from './support/temporary-store.js';
import { MS, tickSubject } from './support/tick-subject.js';

const subject = tickSubject();
const end = 9n * MS;
const machines: Machine[] = [];

afterEach(() => {
  for (const machine of machines.splice(0)) machine.close();
});

function started(time: bigint) {
  const store = temporaryStore();
  const output: number[] = [];
  const machine = subject.build(output, true);
  machines.push(machine);
  subject.start(machine);
  advance(machine, time);
  return { store, output, machine };
}

/** What the restored machine is, where it was saved; without the hash of exits, which the file does not hold. */
function restored(store: ReturnType<typeof temporaryStore>, name: string): { machine: Machine; state: Evidence } {
  const { machine } = loadMachine(store, name, { host: subject.host([], true) });
  machines.push(machine);
  machine.resume();
  machine.pause();
  return { machine, state: { ...evidence(machine, []), console: '', exits: undefined } };
}

const at = (time: bigint): Evidence => ({ ...runTo(subject, time), console: '', exits: undefined });

test('a live snapshot is the machine at one instant, and the machine goes on to the same bits', () => {
  const { store, output, machine } = started(MS);
  const { snapshot } = saveLive(machine, store, 'live');
  const { time } = snapshot.manifest.clock;
  expect(time).toBeGreaterThan(MS); // it has run meanwhile
  verifySnapshot(store, 'live');
  expect(restored(store, 'live').state).toEqual(at(time));
  machine.pause();
  advance(machine, end);
  expect(evidence(machine, output)).toEqual(runTo(subject, end));
});

test('pages that change between the rounds are the last ones, also when they become zero', () => {
  const { store, machine } = started(MS);
  const { memory } = machine.parts.engine;
  memory.fill(0x10_0000, 4096, 0xaa);
  let round = 0;
  saveLive(machine, store, 'live', {}, () => {
    round += 1;
    if (round === 1) memory.fill(0x10_0000, 4096, 0);
    if (round === 1) memory.fill(0x11_0000, 4096, 0xbb);
  });
  verifySnapshot(store, 'live');
  const { memory: copy } = restored(store, 'live').machine.parts.engine;
  expect([copy.readU8(0x10_0000), copy.readU8(0x11_0fff)]).toEqual([0, 0xbb]);
});

test('what an instruction writes that is finished when the machine stops is not forgotten', () => {
  const { store, machine } = started(MS);
  const { memory } = machine.parts.engine;
  class LateHold extends MachineHold {
    override take(): void {
      memory.writeU8(0x12_0000, 5);
      super.take();
    }
  }
  saveLive(machine, store, 'live', { hold: new LateHold(machine) });
  expect(restored(store, 'live').machine.parts.engine.memory.readU8(0x12_0000)).toBe(5);
});

test('a guest that never stops writing is stopped after some rounds', () => {
  const { store, machine } = started(MS);
  const { memory } = machine.parts.engine;
  let value = 0;
  const { lastPages } = saveLive(machine, store, 'live', {}, () => {
    value = (value + 1) & 0xff;
    if (machine.state === 'running') memory.fill(0x10_0000, 0x10_0000, value);
  });
  expect(lastPages).toBeGreaterThanOrEqual(256);
  verifySnapshot(store, 'live');
});

test('live and incremental, link after link, each restorable', () => {
  const { store, output, machine } = started(MS);
  const changes = new ChangeLog(machine, saveMachine(machine, store, 'link-0'));
  for (let link = 1; link <= 5; link += 1) {
    const { snapshot } = saveLive(machine, store, `link-${link}`, { changes });
    expect(snapshot.manifest.parent?.id).toBe(store.open(`link-${link - 1}`).manifest.id);
    machine.pause();
    advance(machine, machine.time + 250_001n);
  }
  for (let link = 1; link <= 5; link += 1) {
    const name = `link-${link}`;
    expect(restored(store, name).state).toEqual(at(store.open(name).manifest.clock.time));
  }
  advance(machine, end);
  expect(evidence(machine, output)).toEqual(runTo(subject, end));
});

test('every earlier snapshot can be the parent', () => {
  const { store, machine } = started(MS);
  const { memory } = machine.parts.engine;
  const changes = new ChangeLog(machine, saveMachine(machine, store, 'a'));
  memory.writeU8(0x10_0000, 1);
  saveMachine(machine, store, 'b', { changes });
  memory.writeU8(0x11_0000, 2);
  const a = store.open('a');
  const c = saveMachine(machine, store, 'c', { changes, parent: a });
  expect(c.manifest.parent?.id).toBe(a.manifest.id);
  const { memory: copy } = restored(store, 'c').machine.parts.engine;
  expect([copy.readU8(0x10_0000), copy.readU8(0x11_0000)]).toEqual([1, 2]);
  const full = saveMachine(machine, store, 'd', { changes, parent: null });
  expect(full.manifest.parent).toBeNull();
  expect(changes.snapshots().map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
});

test('a parent that the machine has not come from is refused by name', () => {
  const { store, machine } = started(MS);
  const other = saveMachine(machine, store, 'other');
  const changes = new ChangeLog(machine, saveMachine(machine, store, 'mine'));
  expect(() => saveMachine(machine, store, 'two', { changes, parent: other })).toThrow(
    'other: the VM does not know what it has written since then; known are mine',
  );
  expect(readdirSync(store.root).sort()).toEqual(['mine', 'other']);
});

test.each([1, 2, 3])('cancelled at wait %i, the machine runs on and nothing is left', (cancelAt) => {
  const { store, output, machine } = started(MS);
  let waits = 0;
  let last: unknown = null;
  const cancel = () =>
    saveLive(machine, store, 'live', {}, (runner) => {
      if (runner.pending !== last) waits += 1;
      last = runner.pending;
      if (waits === cancelAt) runner.abort(new Error('enough'));
    });
  expect(cancel).toThrow('enough');
  expect(machine.state).toBe('running');
  expect(readdirSync(store.root)).toEqual([]);
  machine.pause();
  advance(machine, end);
  expect(evidence(machine, output)).toEqual(runTo(subject, end));
});

test('a save that fails forgets no page of the next incremental one', () => {
  const { store, machine } = started(MS);
  const changes = new ChangeLog(machine, saveMachine(machine, store, 'full'));
  machine.parts.engine.memory.writeU8(0x12_3456, 7);
  expect(() => saveLive(machine, store, 'live', { changes }, (runner) => runner.abort(new Error('no')))).toThrow('no');
  machine.pause();
  saveMachine(machine, store, 'delta', { changes });
  expect(restored(store, 'delta').machine.parts.engine.memory.readU8(0x12_3456)).toBe(7);
});
