// SPDX-License-Identifier: BSD-2-Clause
/** Disks and random numbers in a machine, and what becomes of them when it is saved. */
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildMachine } from '../../src/machine/build.js';
import type { PciDeviceConfig } from '../../src/machine/config.js';
import type { Machine } from '../../src/machine/machine.js';
import { checkSnapshot } from '../../src/snapshot/check-snapshot.js';
import { loadMachine } from '../../src/snapshot/load-machine.js';
import type { Identity } from '../../src/snapshot/restoration.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { temporaryStore } from '../snapshot/support/temporary-store.js';
import { MemoryDisk } from '../support/memory-disk.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const MEMORY = 2 * 1024 * 1024;
const machines: Machine[] = [];
let image: string;

beforeEach(() => {
  image = join(temporaryFolder(), 'disk.img');
  writeFileSync(image, Buffer.alloc(4096));
});

afterEach(() => {
  for (const machine of machines.splice(0)) machine.close();
});

function build(...pci: readonly PciDeviceConfig[]): Machine {
  const machine = buildMachine({ memory: MEMORY, clock: { kind: 'virtual', numerator: 1, denominator: 1 }, pci });
  machines.push(machine);
  return machine;
}

const disk = (options: Record<string, string> = {}): PciDeviceConfig => ({
  slot: 3,
  fn: 0,
  kind: 'virtio-blk',
  options: { path: image, ...options },
});
const random = (options: Record<string, string> = {}): PciDeviceConfig => ({
  slot: 4,
  fn: 0,
  kind: 'virtio-rnd',
  options,
});

function paused(machine: Machine): Machine {
  machine.resume();
  machine.pause();
  return machine;
}

test('a disk that cannot be opened is refused by name', () => {
  expect(() => build(disk({ path: '/nowhere/disk.img' }))).toThrow(
    'disk /nowhere/disk.img: cannot open it: no such file or directory',
  );
});

test('a machine that cannot be built lets go of the disks it has', () => {
  expect(() => build(disk(), { ...disk({ path: '/nowhere' }), slot: 5 })).toThrow('disk /nowhere');
  build(disk());
});

test('a writable disk that snapshots do not keep is refused by a save before anything stops', () => {
  const store = temporaryStore();
  const machine = buildMachine(
    { memory: MEMORY, clock: { kind: 'virtual', numerator: 1, denominator: 1 }, pci: [disk()] },
    { devices: { openDisk: () => new MemoryDisk(new Uint8Array(4096)) } },
  );
  machines.push(machine);
  machine.resume();
  expect(() => saveMachine(machine, store, 'one')).toThrow(
    'pci-0:3:0: this writable disk cannot be part of a snapshot: only an image file can, without nocache',
  );
  expect(machine.state).toBe('running');
  expect(store.list()).toEqual([]);
});

test('a read-only disk is saved, and found again', () => {
  const store = temporaryStore();
  const machine = paused(build(disk({ ro: 'true' }), random()));
  saveMachine(machine, store, 'one');
  const { machine: copy } = loadMachine(store, 'one');
  machines.push(copy);
  expect(copy.parts.board.devices.find(({ id }) => id === 'pci-0:3:0')?.shape.kind).toBe('virtio-blk');
});

test('a read-only disk that has changed since is refused', () => {
  const store = temporaryStore();
  saveMachine(paused(build(disk({ ro: 'true' }))), store, 'one');
  expect(checkSnapshot(store, 'one')).toEqual([]);
  utimesSync(image, 0, 0);
  expect(checkSnapshot(store, 'one')).toEqual([
    {
      path: `disk ${image}`,
      problem: expect.stringMatching(/^saved with 4096 bytes of .*, here it is 4096 bytes of 1970-/),
      remedy: 'name the disk as it was with -o pci.0.3.0.path=',
    },
  ]);
  expect(() => loadMachine(store, 'one')).toThrow(
    /pci-0:3:0\.medium: saved with a disk of 4096 bytes of .*, here it is 4096 bytes of 1970-/,
  );
});

test('a clone has other random numbers', () => {
  const store = temporaryStore();
  saveMachine(paused(build(random())), store, 'one');
  const key = (identity: Identity): unknown => {
    const { machine } = loadMachine(store, 'one', { identity });
    machines.push(machine);
    return machine.parts.board.devices.find(({ id }) => id === 'pci-0:4:0')?.serialize().fields.key;
  };
  expect(key({ kind: 'keep' })).toEqual(key({ kind: 'keep' }));
  expect(key({ kind: 'new', generation: new Uint8Array(16).fill(9) })).not.toEqual(key({ kind: 'keep' }));
});

test('random numbers follow from the seed under the virtual clock', () => {
  const key = (machine: Machine): unknown =>
    machine.parts.board.devices.find(({ id }) => id === 'pci-0:4:0')?.serialize();
  expect(key(paused(build(random())))).toEqual(key(paused(build(random()))));
  expect(key(paused(build(random())))).not.toEqual(key(paused(build(random({ seed: '1' })))));
});
