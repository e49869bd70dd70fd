// SPDX-License-Identifier: BSD-2-Clause
import { BarDecoder, type BarSpec, barRegisters } from '../../../devices/pci/bars.js';
import { pciAddress } from '../../../devices/pci/pci-function.js';
import { nullLine } from '../../../src/core/irq-line.js';
import { SinkLogger } from '../../../src/core/log.js';
import { MemoryBus } from '../../../src/core/memory-bus.js';
import { PortBus } from '../../../src/core/port-bus.js';
import { ExampleFunction } from './example-function.js';

const BARS: readonly BarSpec[] = [
  { index: 0, kind: 'io', size: 0x20 },
  { index: 1, kind: 'memory32', size: 0x1000 },
  { index: 2, kind: 'memory64', size: 0x10000, prefetchable: true },
  { index: 4, kind: 'memory64', size: 2 ** 33 },
];
const BAR0 = 0x10;
const BAR1 = 0x14;
const BAR2 = 0x18;
const BAR4 = 0x20;
const DECODE = 0x3;

function makeBuses() {
  const ports = new PortBus();
  const memory = new MemoryBus();
  const messages: string[] = [];
  const log = new SinkLogger((_level, _scope, message) => void messages.push(message));
  return { ports, memory, messages, decoder: new BarDecoder(ports, memory, log) };
}

type Buses = ReturnType<typeof makeBuses>;

function add({ decoder }: Buses, device: number, bars = BARS): ExampleFunction {
  return new ExampleFunction(`fn${device}`, { address: pciAddress(0, device, 0), decoder, intx: nullLine }, bars);
}

const command = (fn: ExampleFunction, bits: number): void => fn.writeConfig(0x04, 2, bits);

describe('sizing', () => {
  test.each([
    ['I/O', BAR0, 0xffffffe1],
    ['32-bit memory', BAR1, 0xfffff000],
    ['64-bit memory, low half', BAR2, 0xffff000c],
    ['64-bit memory, high half', BAR2 + 4, 0xffffffff],
    ['8 GiB memory, low half', BAR4, 0x00000004],
    ['8 GiB memory, high half', BAR4 + 4, 0xfffffffe],
    ['expansion ROM, absent', 0x30, 0x00000000],
  ])('%s at %p reads back as %p', (_, offset, expected) => {
    const fn = add(makeBuses(), 1);
    fn.writeConfig(offset, 4, 0xffffffff);
    expect(fn.readConfig(offset, 4)).toBe(expected);
  });

  test('with decoding on, the sizing pattern takes no addresses', () => {
    const buses = makeBuses();
    const fn = add(buses, 1);
    command(fn, DECODE);
    fn.writeConfig(BAR1, 4, 0xffffffff);
    fn.writeConfig(BAR0, 4, 0xffffffff);
    fn.writeConfig(BAR2, 4, 0xffffffff);
    fn.writeConfig(BAR2 + 4, 4, 0xffffffff);
    expect(buses.memory.read(0xfffff000, 4)).toBe(0xffffffff);
    expect(buses.messages).toEqual([]);
  });
});

describe('decoding', () => {
  test('I/O and memory follow their own bits of the command register', () => {
    const { ports, memory, ...rest } = makeBuses();
    const fn = add({ ports, memory, ...rest }, 1);
    fn.writeConfig(BAR0, 4, 0x2000);
    fn.writeConfig(BAR1, 4, 0xc0000000);
    const seen = (): number[] => [ports.read(0x2004, 1), memory.read(0xc0000004, 1)];
    expect(seen()).toEqual([0xff, 0xff]);
    command(fn, 0x1);
    expect(seen()).toEqual([0, 0xff]);
    command(fn, 0x2);
    expect(seen()).toEqual([0xff, 1]);
    command(fn, 0x3);
    expect(seen()).toEqual([0, 1]);
    command(fn, 0x0);
    expect(seen()).toEqual([0xff, 0xff]);
  });

  test('a BAR moves, also above 4 GiB and one half at a time', () => {
    const buses = makeBuses();
    const fn = add(buses, 1);
    command(fn, DECODE);
    fn.writeConfig(BAR2, 4, 0xc0100000);
    expect(buses.memory.read(0xc0100000, 1)).toBe(2);
    fn.writeConfig(BAR2 + 4, 4, 0x8);
    expect(buses.memory.read(0xc0100000, 1)).toBe(0xff);
    expect(buses.memory.read(0x8_c010_0000, 1)).toBe(2);
    fn.writeConfig(BAR2, 4, 0);
    expect(buses.memory.read(0x8_0000_0000, 1)).toBe(2);
    expect(buses.memory.read(0x8_0000_ffff, 1)).toBe(2);
    expect(buses.memory.read(0x8_0001_0000, 1)).toBe(0xff);
  });

  test('an address beyond the platform is not decoded', () => {
    const buses = makeBuses();
    const fn = add(buses, 1);
    command(fn, DECODE);
    fn.writeConfig(BAR0, 4, 0x10000);
    fn.writeConfig(BAR2 + 4, 4, 0x00100000);
    expect(buses.ports.read(0x0000, 1)).toBe(0xff);
    expect(buses.messages).toEqual([]);
  });

  test('reset takes everything off the buses', () => {
    const buses = makeBuses();
    const fn = add(buses, 1);
    command(fn, DECODE);
    fn.writeConfig(BAR0, 4, 0x2000);
    fn.reset();
    expect(buses.ports.read(0x2000, 1)).toBe(0xff);
  });
});

describe('conflicts', () => {
  const ONE = [{ index: 0, kind: 'memory32', size: 0x1000 }] as const;
  const at = (fn: ExampleFunction, base: number): void => {
    fn.writeConfig(BAR0, 4, base);
    command(fn, DECODE);
  };

  test('a fixed device keeps its address, and the conflict is told once', () => {
    const buses = makeBuses();
    buses.memory.register('ioapic', 0xfec00000, 0x1000, { read: () => 0x77, write: () => {} });
    const fn = add(buses, 1, ONE);
    at(fn, 0xfec00000);
    command(fn, 0);
    command(fn, DECODE);
    expect(buses.memory.read(0xfec00000, 1)).toBe(0x77);
    expect(buses.messages).toHaveLength(1);
    expect(buses.messages[0]).toMatch(/fn1.*BAR0 is not decoded.*ioapic/);
  });

  test('of two functions the lower address wins in either order, and the other follows when it leaves', () => {
    for (const order of [
      [1, 2],
      [2, 1],
    ]) {
      const buses = makeBuses();
      const functions = new Map([1, 2].map((device) => [device, add(buses, device, ONE)]));
      for (const device of order) {
        const fn = functions.get(device);
        if (fn) at(fn, 0xc0000000);
      }
      const lower = functions.get(1);
      const upper = functions.get(2);
      buses.memory.write(0xc0000000, 4, 1);
      expect([lower, upper].map((fn) => (fn?.readConfig(0x06, 2) ?? 0) & 0x8)).toEqual([0x8, 0]);
      if (lower) command(lower, 0);
      buses.memory.write(0xc0000000, 4, 1);
      expect((upper?.readConfig(0x06, 2) ?? 0) & 0x8).toBe(0x8);
    }
  });
});

test('a restored function decodes what the saved one did, wherever the guest had moved it', () => {
  const before = makeBuses();
  const fn = add(before, 1);
  fn.writeConfig(BAR0, 4, 0xd000);
  fn.writeConfig(BAR2, 4, 0x00030000);
  fn.writeConfig(BAR2 + 4, 4, 0x9);
  command(fn, DECODE);
  const after = makeBuses();
  add(after, 1).deserialize(fn.serialize());
  expect(after.ports.read(0xd01f, 1)).toBe(0);
  expect(after.memory.read(0x9_0003_0000, 1)).toBe(2);
});

test.each([
  [{ index: 0, kind: 'io', size: 0x18 }, 'BAR0 size 0x18: a power of two from 0x4 to 0x100 expected'],
  [{ index: 0, kind: 'io', size: 0x200 }, 'BAR0 size 0x200'],
  [{ index: 5, kind: 'memory64', size: 0x1000 }, 'BAR5: 0 to 5 expected, and 0 to 4 for 64-bit memory'],
  [{ index: 6, kind: 'memory32', size: 0x1000 }, 'BAR6: 0 to 5 expected'],
] as const)('%p is refused', (bar, message) => {
  expect(() => barRegisters([bar])).toThrow(message);
});
