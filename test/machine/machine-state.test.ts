// SPDX-License-Identifier: BSD-2-Clause
import { type CborMap, decode, encode, isMap } from '../../src/core/cbor.js';
import { StateError } from '../../src/core/state-error.js';
import type { FakeGuest } from '../../src/hypervisor/fake-guest.js';
import { loadTree, restoreMemory, saveTree } from '../../src/machine/machine-state.js';
import { runUntil } from '../../src/machine/run.js';
import { fakeMachine } from '../support/fake-machine.js';

/** Sets up the 8254 and then writes what it reads from it to COM1. */
const guest: FakeGuest = function* () {
  for (const [port, value] of [
    [0x43, 0x34],
    [0x40, 0x00],
    [0x40, 0x80],
  ] as const) {
    yield { do: 'out', port, value };
  }
  for (;;) {
    yield { do: 'spend', instructions: 777 };
    yield { do: 'out', port: 0x43, value: 0 };
    const low = yield { do: 'in', port: 0x40 };
    yield { do: 'in', port: 0x40 };
    yield { do: 'out', port: 0x3f8, value: Number(low) };
  }
};

function savedAt(time: bigint): CborMap {
  const { machine } = fakeMachine(guest);
  machine.resume();
  runUntil(machine, time);
  machine.pause();
  const tree = decode(encode(saveTree(machine)));
  if (!isMap(tree)) throw new Error('the tree is no map');
  return tree;
}

test('a machine restored at any time writes what the other one writes', () => {
  const whole = fakeMachine(guest);
  whole.machine.resume();
  runUntil(whole.machine, 50_000n);
  for (const cut of [0n, 1n, 3n, 780n, 10_000n, 23_456n]) {
    const first = fakeMachine(guest);
    first.machine.resume();
    runUntil(first.machine, cut);
    first.machine.pause();
    const second = fakeMachine(guest);
    loadTree(second.machine, decode(encode(saveTree(first.machine))));
    second.machine.resume();
    runUntil(second.machine, 50_000n);
    expect([...first.output, ...second.output]).toEqual(whole.output);
    expect(second.machine.instructions).toBe(whole.machine.instructions);
  }
});

test('the tree has every device by its id', () => {
  const { devices } = savedAt(1000n);
  expect(Object.keys(isMap(devices) ? devices : {}).sort()).toEqual(
    [
      'com1',
      'com1-input',
      'com2',
      'com2-input',
      'com3',
      'com3-input',
      'com4',
      'com4-input',
      'fw-cfg',
      'gpe',
      'hpet',
      'i8042',
      'ioapic',
      'keyboard',
      'nmisc',
      'pci',
      'pci-0:0:0',
      'pci-0:31:0',
      'pic',
      'pit',
      'pm-timer',
      'pm1',
      'port92',
      'post',
      'post-84',
      'reset-control',
      'rtc',
      'vm-generation',
    ].sort(),
  );
});

test.each<[string, (tree: CborMap) => CborMap, string]>([
  ['no vCPU', ({ devices }) => ({ devices: devices ?? null }), 'machine.vcpu: missing'],
  ['a part of another machine', (tree) => ({ ...tree, extra: 1 }), 'machine.extra: unknown'],
  ['a missing device', (tree) => withDevices(tree, (all) => without(all, 'com1')), 'devices.com1: missing'],
  ['an unknown device', (tree) => withDevices(tree, (all) => ({ ...all, nvme: null })), 'devices.nvme: unknown'],
  [
    'a device that is broken',
    (tree) => withDevices(tree, (all) => ({ ...all, com1: 7 })),
    'com1: expected a saved uart16550',
  ],
  ['a vCPU that is broken', (tree) => ({ ...tree, vcpu: 'x' }), 'vcpu: expected a saved vcpu'],
])('%s is refused by name', (_name, spoil, message) => {
  const { machine } = fakeMachine(guest);
  const load = () => loadTree(machine, spoil(savedAt(1000n)));
  expect(load).toThrow(StateError);
  expect(load).toThrow(message);
});

test('a running machine is not saved, and one that has run is not overwritten', () => {
  const { machine } = fakeMachine(guest);
  machine.resume();
  expect(() => saveTree(machine)).toThrow('cannot save the state of a machine that is running');
  expect(() => loadTree(machine, savedAt(1000n))).toThrow('cannot load the state of a machine that is running');
});

test('memory of another size is refused', () => {
  const { engine } = fakeMachine(guest);
  expect(() => restoreMemory(engine.memory, [new Uint8Array(4096)])).toThrow(
    'memory[0]: expected 2097152 bytes, got 4096',
  );
});

function withDevices(tree: CborMap, change: (devices: CborMap) => CborMap): CborMap {
  const { devices } = tree;
  if (!isMap(devices)) throw new Error('no devices');
  return { ...tree, devices: change(devices) };
}

function without(map: CborMap, key: string): CborMap {
  return Object.fromEntries(Object.entries(map).filter(([name]) => name !== key));
}
