// SPDX-License-Identifier: BSD-2-Clause
/** Virtio consoles in a machine: what is typed at them by name, and what a snapshot keeps of it. */
import { buildMachine } from '../../src/machine/build.js';
import type { Machine } from '../../src/machine/machine.js';
import { virtioPorts } from '../../src/machine/virtio-consoles.js';
import { loadMachine } from '../../src/snapshot/load-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { temporaryStore } from '../snapshot/support/temporary-store.js';

const machines: Machine[] = [];
afterEach(() => {
  for (const machine of machines.splice(0)) machine.close();
});

function build(): Machine {
  const machine = buildMachine({
    memory: 2 * 1024 * 1024,
    clock: { kind: 'virtual', numerator: 1, denominator: 1 },
    pci: [{ slot: 5, fn: 0, kind: 'virtio-console', options: { console: 'none', 'port.org.agent.0': '/tmp/agent' } }],
  });
  machines.push(machine);
  return machine;
}

const saved = (machine: Machine): unknown =>
  machine.parts.board.devices.find(({ id }) => id === 'pci-0:5:0')?.serialize().fields;

test('ports are found by the name of their device and their own', () => {
  const machine = build();
  expect(machine.type('pci-0:5:0/console', Uint8Array.of(1, 2))).toBe(2);
  machine.typeAll('pci-0:5:0/org.agent.0', Uint8Array.of(3));
  machine.setConsoleOpen('pci-0:5:0/org.agent.0', true);
  machine.resizeConsole('pci-0:5:0/console', 100, 30);
  machine.resizeConsole('pci-0:5:0/org.agent.0', 1, 1);
  expect(saved(machine)).toMatchObject({
    columns: 100,
    rows: 30,
    ports: [
      { pending: Uint8Array.of(1, 2), hostOpen: false },
      { pending: Uint8Array.of(3), hostOpen: true },
    ],
  });
  expect(machine.type('pci-0:5:0/nobody', Uint8Array.of(1))).toBe(0);
});

test('what waits for the guest is part of a snapshot', () => {
  const store = temporaryStore();
  const machine = build();
  machine.type('pci-0:5:0/org.agent.0', Uint8Array.of(7, 8));
  machine.resume();
  machine.pause();
  saveMachine(machine, store, 'one');
  const { machine: copy } = loadMachine(store, 'one');
  machines.push(copy);
  expect(saved(copy)).toEqual(saved(machine));
});

test('ports have the name of their device on every bus', () => {
  const device = { slot: 5, fn: 1, kind: 'virtio-console', options: { console: 'stdio' } };
  expect([device, { ...device, bus: 3 }].flatMap(virtioPorts).map(({ id }) => id)).toEqual([
    'pci-0:5:1/console',
    'pci-3:5:1/console',
  ]);
});
