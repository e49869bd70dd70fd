// SPDX-License-Identifier: BSD-2-Clause
/** Network cards in a machine, and what becomes of them when it is saved. */
import { buildMachine } from '../../src/machine/build.js';
import type { PciDeviceConfig } from '../../src/machine/config.js';
import type { Machine } from '../../src/machine/machine.js';
import { loadMachine } from '../../src/snapshot/load-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { temporaryStore } from '../snapshot/support/temporary-store.js';
import { MemoryCable } from '../support/memory-cable.js';

const MEMORY = 2 * 1024 * 1024;
const VIRTUAL = { kind: 'virtual', numerator: 1, denominator: 1 } as const;
const machines: Machine[] = [];

afterEach(() => {
  for (const machine of machines.splice(0)) machine.close();
});

const card = (options: Record<string, string>, slot = 4): PciDeviceConfig => ({
  slot,
  fn: 0,
  kind: 'virtio-net',
  options,
});

function keep(machine: Machine): Machine {
  machines.push(machine);
  return machine;
}

const macOf = (machine: Machine): string => {
  const device = machine.parts.board.devices.find(({ id }) => id === 'pci-0:4:0');
  return Buffer.from(device?.serialize().fields.mac as Uint8Array).toString('hex');
};

test('the address follows from name and slot as on bhyve, unless it is given', () => {
  const build = (name: string, options = {}): Machine =>
    keep(buildMachine({ name, memory: MEMORY, clock: VIRTUAL, pci: [card({ loopback: 'a', ...options })] }));
  // The first three bytes of the MD5 sum of 4-0-vm.
  expect(macOf(build('vm'))).toBe('00a098af5655');
  expect(macOf(build('other'))).not.toBe(macOf(build('vm')));
  expect(macOf(build('vm', { mac: '02:00:00:00:00:01' }))).toBe('020000000001');
});

test('a live link is refused under the virtual clock, by name', () => {
  const opened: string[] = [];
  const openStream = (_: string, path: string) => {
    opened.push(path);
    return new MemoryCable(undefined, true);
  };
  const pci = [card({ stream: '/socket' })];
  expect(() => buildMachine({ memory: MEMORY, clock: VIRTUAL, pci }, { devices: { openStream } })).toThrow(
    "pci-0:4:0 stream: '/socket' is a live link, which the virtual clock cannot repeat",
  );
  expect(opened).toEqual([]);
  keep(buildMachine({ memory: MEMORY, pci }, { devices: { openStream } }));
  expect(opened).toEqual(['/socket']);
});

test('a link from outside needs a thread that has the socket', () => {
  expect(() => buildMachine({ memory: MEMORY, pci: [card({ stream: '/socket' })] })).toThrow(
    'pci-0:4:0 stream: a link from outside needs a machine on a thread of its own',
  );
});

test('a cable has two ends in one machine, and is another one in the next', () => {
  const pci = [4, 5, 6].map((slot) => card({ loopback: 'a' }, slot));
  expect(() => buildMachine({ memory: MEMORY, clock: VIRTUAL, pci })).toThrow('loopback a: two cards');
  for (let count = 0; count < 2; count += 1) {
    keep(buildMachine({ memory: MEMORY, clock: VIRTUAL, pci: pci.slice(0, 2) }));
  }
});

test('a card is saved, keeps its address under another name, and finds another socket', () => {
  const store = temporaryStore();
  const opened: string[] = [];
  const devices = {
    openStream: (_: string, path: string) => {
      opened.push(path);
      return new MemoryCable(undefined, true);
    },
  };
  const machine = keep(buildMachine({ memory: MEMORY, pci: [card({ stream: '/one' })] }, { devices }));
  machine.resume();
  machine.pause();
  saveMachine(machine, store, 'one');
  const overrides = { name: 'other', pci: [card({ stream: '/two' })] };
  const { machine: copy } = loadMachine(store, 'one', { overrides, host: { devices } });
  keep(copy);
  expect(opened).toEqual(['/one', '/two']);
  expect(macOf(copy)).toBe(macOf(machine));
  copy.resume();
  copy.pause();
  copy.reset();
  expect(macOf(copy)).toBe(macOf(machine));
});

test('a clone has the address of its own name when it asks for one, and that is recorded', () => {
  const store = temporaryStore();
  const machine = keep(buildMachine({ memory: MEMORY, clock: VIRTUAL, pci: [card({ loopback: 'a' })] }));
  machine.resume();
  machine.pause();
  saveMachine(machine, store, 'one');
  const generation = new Uint8Array(16).fill(8);
  for (const [addresses, expected] of [
    ['new', '00a0987f6587'],
    ['keep', macOf(machine)],
  ] as const) {
    const identity = { kind: 'new', generation, addresses } as const;
    const { machine: copy } = loadMachine(store, 'one', { overrides: { name: 'other' }, identity });
    keep(copy);
    copy.resume();
    copy.pause();
    expect(macOf(copy)).toBe(expected);
    saveMachine(copy, store, addresses);
    expect(store.open(addresses).manifest.clone.restored).toMatchObject({ identity: 'new', addresses });
  }
});

test('a card with an address of its own in the options gets one that is drawn', () => {
  const store = temporaryStore();
  const pci = [card({ loopback: 'a', mac: '02:00:00:00:00:01' })];
  const machine = keep(buildMachine({ memory: MEMORY, clock: VIRTUAL, pci }));
  machine.resume();
  machine.pause();
  saveMachine(machine, store, 'one');
  const identity = { kind: 'new', generation: new Uint8Array(16).fill(8), addresses: 'new' } as const;
  const { machine: copy } = loadMachine(store, 'one', { overrides: { name: 'other' }, identity });
  expect(macOf(keep(copy))).toBe('0a0808080828');
});
