// SPDX-License-Identifier: BSD-2-Clause
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { REGISTER_COUNT, RegisterGroup, registerIndex } from '../../src/hypervisor/registers.js';
import { ChangeLog } from '../../src/snapshot/change-log.js';
import { checkSnapshot } from '../../src/snapshot/check-snapshot.js';
import { diffSnapshots } from '../../src/snapshot/diff-snapshots.js';
import { flattenSnapshot } from '../../src/snapshot/flatten-snapshot.js';
import { loadMachine } from '../../src/snapshot/load-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { showSnapshot } from '../../src/snapshot/show-snapshot.js';
import { verifySnapshot } from '../../src/snapshot/verify-snapshot.js';
import { fileIn, spoil, temporaryStore } from './support/temporary-store.js';
import { MS, savedTick, tickMachine } from './support/tick-subject.js';

function chainOfThree() {
  const store = temporaryStore();
  const machine = tickMachine(MS);
  const changes = new ChangeLog(machine, saveMachine(machine, store, 'a'));
  machine.parts.engine.memory.writeU8(0x10_0000, 1);
  saveMachine(machine, store, 'b', { changes });
  machine.parts.engine.memory.writeU8(0x10_0000, 2);
  machine.parts.engine.memory.writeU8(0x1f_f000, 3);
  saveMachine(machine, store, 'c', { changes });
  machine.close();
  return store;
}

test('show names every field, with units', () => {
  const fields = new Map(showSnapshot(savedTick(temporaryStore(), 'one')).map((field) => [field.path, field]));
  expect(fields.get('machine.memory')).toMatchObject({ value: 2 * 1024 * 1024, unit: 'bytes' });
  expect(fields.get('vcpu.time')).toMatchObject({ value: 1_000_000, unit: 'ns', doc: 'VM time' });
  expect(fields.get('vcpu.registers.rip')?.value).toBeDefined();
  expect(fields.get('com1.lcr')?.value).toBe(0);
  expect(fields.get('producer')?.value).toMatch(/^tsbhyve [0-9]/);
});

test('diff says which fields, register bits and pages differ', () => {
  const store = temporaryStore();
  const machine = tickMachine(MS);
  saveMachine(machine, store, 'before');
  const { engine } = machine.parts;
  const values = new BigUint64Array(REGISTER_COUNT);
  engine.vcpu.getRegisters(RegisterGroup.All, values);
  const rflags = registerIndex('rflags');
  values[rflags] = (values[rflags] ?? 0n) ^ (1n << 18n);
  engine.vcpu.setRegisters(RegisterGroup.All, values);
  engine.memory.fill(0x10_0000, 0x2000, 5);
  engine.memory.writeU8(0x1f_f000, 5);
  saveMachine(machine, store, 'after');
  machine.close();
  const { fields, pages } = diffSnapshots(store, 'before', 'after');
  expect(fields).toContainEqual(expect.objectContaining({ path: 'vcpu.registers.rflags', bits: '+AC' }));
  // New flags also make the engine drop translations, which its private section lists.
  expect(fields.map(({ path }) => path)).toEqual(['vcpu.private', 'vcpu.registers.rflags']);
  expect(pages).toEqual([
    { first: 0x100, count: 2 },
    { first: 0x1ff, count: 1 },
  ]);
  expect(diffSnapshots(store, 'after', 'after')).toEqual({ fields: [], pages: [] });
});

test('diff looks through chains', () => {
  expect(diffSnapshots(chainOfThree(), 'b', 'c').pages).toEqual([
    { first: 0x100, count: 1 },
    { first: 0x1ff, count: 1 },
  ]);
});

test('a flattened chain has the same contents and needs no parent', () => {
  const store = chainOfThree();
  const flat = flattenSnapshot(store, 'c', 'flat');
  expect(flat.manifest.parent).toBeNull();
  expect(diffSnapshots(store, 'c', 'flat')).toEqual({ fields: [], pages: [] });
  for (const name of ['c', 'b', 'a']) store.remove(name);
  verifySnapshot(store, 'flat');
  const { memory } = loadMachine(store, 'flat').machine.parts.engine;
  expect([memory.readU8(0x10_0000), memory.readU8(0x1f_f000)]).toEqual([2, 3]);
});

test('verify looks at every snapshot of a chain, and flatten does before it writes', () => {
  const store = chainOfThree();
  verifySnapshot(store, 'c');
  const ram = fileIn(store, 'a/ram');
  ram[0x1000] = (ram[0x1000] ?? 0) ^ 1;
  spoil(store, 'a/ram', ram);
  expect(() => verifySnapshot(store, 'c')).toThrow('a/ram: the contents do not match their digest');
  expect(() => flattenSnapshot(store, 'c', 'flat')).toThrow('a/ram');
  expect(() => store.open('flat')).toThrow('no snapshot of this name');
});

test('check finds nothing to complain about in a good chain', () => {
  expect(checkSnapshot(chainOfThree(), 'c')).toEqual([]);
});

test('check lists all blockers at once, each with a remedy', () => {
  const store = chainOfThree();
  rmSync(join(store.root, 'a'), { recursive: true });
  spoil(store, 'c/state.cbor', Buffer.from('x'));
  const blockers = checkSnapshot(store, 'c', { name: 'not a name' });
  expect(blockers.map(({ path }) => path)).toEqual(['c', 'c/state.cbor', 'b/manifest.json: body.parent']);
  for (const { remedy } of blockers) expect(remedy).not.toBe('');
});

test('a restored machine can be given another name', () => {
  const store = temporaryStore();
  savedTick(store, 'one');
  const { machine } = loadMachine(store, 'one', { overrides: { name: 'other' } });
  expect(machine.parts.config.name).toBe('other');
  machine.close();
});
