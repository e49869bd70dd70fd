// SPDX-License-Identifier: BSD-2-Clause
/** Several buses and functions in a machine: how a guest finds them, and where their interrupts arrive. */

import { pirqLink as wiredLink } from '../../devices/pci/pirq-router.js';
import { pirqGsi, pirqLink } from '../../src/boot/pci-routing.js';
import { buildMachine } from '../../src/machine/build.js';
import type { PciDeviceConfig } from '../../src/machine/config.js';
import type { Machine } from '../../src/machine/machine.js';

const machines: Machine[] = [];
afterEach(() => {
  for (const machine of machines.splice(0)) machine.close();
});

const rng = (bus: number, slot: number, fn: number): PciDeviceConfig => ({
  ...(bus > 0 && { bus }),
  slot,
  fn,
  kind: 'virtio-rnd',
  options: {},
});
const LPC: PciDeviceConfig = { slot: 31, fn: 0, kind: 'lpc', options: {} };

function build(...pci: readonly PciDeviceConfig[]): Machine {
  const machine = buildMachine({
    memory: 2 * 1024 * 1024,
    clock: { kind: 'virtual', numerator: 1, denominator: 1 },
    pci: [LPC, ...pci],
  });
  machines.push(machine);
  machine.powerOn();
  return machine;
}

const configAddress = (bus: number, slot: number, fn: number, at: number): number =>
  (0x80000000 | (bus << 16) | (slot << 11) | (fn << 8) | at) >>> 0;

function look(machine: Machine, bus: number, slot: number, fn: number, at: number): [ports: number, ecam: number] {
  const { ports, mmio } = machine.parts.board;
  ports.write(0xcf8, 4, configAddress(bus, slot, fn, at & ~3));
  return [
    ports.read(0xcfc + (at & 3), 1),
    mmio.read(0xe0000000 + bus * 0x100000 + slot * 0x8000 + fn * 0x1000 + at, 1),
  ];
}

test('functions are where their bus, slot and number say, both ways', () => {
  const machine = build(rng(0, 3, 0), rng(0, 3, 5), rng(1, 3, 0), rng(255, 31, 0), rng(255, 31, 7));
  for (const [bus, slot, fn] of [
    [0, 3, 0],
    [0, 3, 5],
    [1, 3, 0],
    [255, 31, 0],
    [255, 31, 7],
  ] as const) {
    expect(look(machine, bus, slot, fn, 0)).toEqual([0xf4, 0xf4]);
  }
  expect(look(machine, 1, 3, 5, 0)).toEqual([0xff, 0xff]);
  expect(look(machine, 2, 3, 0, 0)).toEqual([0xff, 0xff]);
  expect(machine.parts.board.pci.map(({ id }) => id)).toEqual([
    ...['pci-0:3:0', 'pci-0:3:5', 'pci-0:31:0', 'pci-1:3:0', 'pci-255:31:0', 'pci-255:31:7'],
  ]);
});

test('a slot with several functions says so in each of them, and they have the pins in turn', () => {
  const machine = build(rng(0, 3, 0), rng(0, 3, 5), rng(1, 3, 0));
  const header = (bus: number, fn: number): number => look(machine, bus, 3, fn, 0x0e)[0];
  expect([header(0, 0), header(0, 5), header(1, 0)]).toEqual([0x80, 0x80, 0]);
  expect([0, 5].map((fn) => look(machine, 0, 3, fn, 0x3d)[1])).toEqual([1, 2]);
  expect(look(machine, 0, 31, 0, 0x3d)[0]).toBe(0);
});

test('tables and wires agree for every bus, slot and pin', () => {
  for (const bus of [0, 1, 7, 8, 255]) {
    for (let slot = 0; slot < 32; slot += 1) {
      for (const pin of [1, 2, 3, 4] as const) expect(wiredLink(bus, slot, pin)).toBe(pirqLink(bus, slot, pin - 1));
    }
  }
});

/** Pins of the I/O APIC that are driven. */
function interruptLevels(machine: Machine): number[] {
  const lines = machine.parts.board.ioapic?.serialize().fields.lines;
  return typeof lines === 'number'
    ? Array.from({ length: 32 }, (_, pin) => pin).filter((pin) => (lines >>> pin) & 1)
    : [];
}

test('devices on one link hold it until the last one lets go', () => {
  // Both arrive at pin 16 + (4 + 0 + 4 + 1) mod 8 and 16 + (4 + 1 + 3 + 1) mod 8: the same.
  expect(pirqGsi(0, 4, 0)).toBe(pirqGsi(1, 3, 0));
  const machine = build(rng(0, 4, 0), rng(1, 3, 0));
  const { ports, pci } = machine.parts.board;
  const bar = (index: number): number => (pci[index]?.readConfig(0x10, 4) ?? 0) & ~1;
  const devices = pci.filter(({ id }) => id !== 'pci-0:31:0');
  const raised = (): number[] => interruptLevels(machine);
  const places = [bar(0), bar(2)];
  expect(devices).toHaveLength(2);
  expect(raised()).toEqual([]);
  for (const base of places) {
    // As a legacy driver does that has one buffer to be filled.
    const at = base === places[0] ? 0x10000 : 0x20000;
    const { memory } = machine.parts.engine;
    ports.write(base + 14, 2, 0);
    ports.write(base + 8, 4, at / 0x1000);
    memory.writeU64(at, BigInt(at + 0x8000));
    memory.writeU32(at + 8, 16);
    memory.writeU16(at + 12, 2);
    memory.writeU16(at + 64 * 16 + 2, 1);
    ports.write(base + 18, 1, 7);
    ports.write(base + 16, 2, 0);
    expect(raised()).toEqual([pirqGsi(0, 4, 0)]);
  }
  expect(ports.read((places[0] ?? 0) + 19, 1)).toBe(1);
  expect(raised()).toEqual([pirqGsi(0, 4, 0)]);
  expect(ports.read((places[1] ?? 0) + 19, 1)).toBe(1);
  expect(raised()).toEqual([]);
});
