// SPDX-License-Identifier: BSD-2-Clause
/** The bug zoo, files and compatibility: what is on disk, and who can still read it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CborValue, encode, isMap } from '../../src/core/cbor.js';
import { packageRoot } from '../../src/hypervisor/package-root.js';
import { machineConfig } from '../../src/machine/config.js';
import { ChangeLog } from '../../src/snapshot/change-log.js';
import { loadMachine } from '../../src/snapshot/load-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { temporaryStore } from '../snapshot/support/temporary-store.js';
import { MS, savedTick, tickMachine } from '../snapshot/support/tick-subject.js';
import { replaceManifest, replaceState } from '../support/signed-state.js';

test('25. A save that failed left a part of a snapshot in place', () => {
  const store = temporaryStore();
  const machine = tickMachine(MS);
  expect(() => saveMachine(machine, store, 'one', { isCancelled: () => true })).toThrow('one/ram: cancelled');
  expect(readdirSync(store.root)).toEqual([]);
  machine.close();
});

test('28. A length in a file was believed, and memory for it allocated', () => {
  const store = temporaryStore();
  savedTick(store, 'one');
  const hugeBytes = Uint8Array.of(0x5b, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff); // CBOR: a byte string of 1 TiB
  replaceState(store, 'one', hugeBytes);
  const before = process.memoryUsage().rss;
  expect(() => loadMachine(store, 'one')).toThrow('one/state.cbor');
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
});

describe('29. Ids were the seconds of a clock, and those of one second collided', () => {
  const now = 1_700_000_000n;
  const store = temporaryStore();

  beforeAll(() => {
    const machine = tickMachine(MS);
    saveMachine(machine, store, 'other', { now });
    const changes = new ChangeLog(machine, saveMachine(machine, store, 'base', { now }));
    saveMachine(machine, store, 'child', { now, changes });
    machine.close();
  });

  const parent = () => store.chain(store.open('child')).map(({ name }) => name);

  test('ids are drawn', () => {
    const ids = ['other', 'base', 'child'].map((name) => store.open(name).manifest.id);
    expect(new Set(ids).size).toBe(3);
    expect(parent()).toEqual(['child', 'base']);
  });

  test('a parent with the same id and other contents is noticed', () => {
    const { id } = store.open('base').manifest;
    store.remove('other');
    replaceManifest(store, 'base', { host: 'another' });
    expect(store.open('base').manifest.id).toBe(id);
    expect(parent).toThrow('base is not the parent it was');
  });
});

test('30. A new default of the program made an old snapshot another machine', () => {
  const store = temporaryStore();
  savedTick(store, 'one');
  const saved = store.open('one').manifest.machine;
  expect(Object.keys(saved).sort()).toEqual(Object.keys(machineConfig({})).sort()); // all is said, and nothing left to defaults
  const { machine } = loadMachine(store, 'one');
  expect(machine.parts.config.memory).not.toBe(machineConfig({}).memory);
  machine.close();
  replaceManifest(store, 'one', { machine: { ...saved, strictPorts: !saved.strictPorts } });
  const other = loadMachine(store, 'one').machine;
  expect(other.parts.config.strictPorts).toBe(!saved.strictPorts); // it is the snapshot that decides
  other.close();
});

describe('31. Fields had short or positional names, which only the build that wrote them understood', () => {
  const store = temporaryStore();
  savedTick(store, 'one');
  const state = store.open('one').readState();

  test('every name in a state file is a name of docs/state/lock.json', () => {
    const lock = readFileSync(join(packageRoot(), 'docs/state/lock.json'), 'utf8');
    const { devices } = mapOf(state);
    const unknown = Object.values(mapOf(devices)).flatMap((device) => {
      const { kind, fields } = mapOf(device);
      return Object.keys(mapOf(fields)).filter((name) => !isLocked(lock, kind, name));
    });
    expect(unknown).toEqual([]);
    expect(isLocked(lock, 'uart16550', 'a')).toBe(false);
  });

  test('a state file with other names is refused by name', () => {
    const renamed = structuredClone(state);
    const { com1 } = mapOf(mapOf(renamed).devices);
    const fields = mapOf(mapOf(com1).fields);
    const { lcr } = fields;
    delete fields.lcr;
    Object.assign(fields, { a: lcr });
    replaceState(store, 'one', encode(renamed));
    expect(() => loadMachine(store, 'one')).toThrow(/one\/state\.cbor.*com1/);
  });
});

function mapOf(value: CborValue | undefined) {
  if (value === undefined || !isMap(value)) throw new Error('expected a map');
  return value;
}

function isLocked(lock: string, kind: CborValue | undefined, field: string): boolean {
  const shapes: Record<string, Record<string, Record<string, unknown>>> = JSON.parse(lock);
  return Object.values((typeof kind === 'string' && shapes[kind]) || {}).some((fields) => field in fields);
}
