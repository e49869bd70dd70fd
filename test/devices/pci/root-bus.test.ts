// SPDX-License-Identifier: BSD-2-Clause
import { PciRootBus } from '../../../devices/pci/root-bus.js';
import { MemoryBus } from '../../../src/core/memory-bus.js';
import type { PortHandler } from '../../../src/core/port-bus.js';
import { deviceContract } from '../../contract/device.contract.js';
import { GuestDriver } from '../../support/guest-driver.js';

const ADDRESS = 0xcf8;
const DATA = 0xcfc;
const ECAM = 0xe0000000;

const noReset: PortHandler = { read: () => 0xff, write: () => {} };

/** Answers with its address and the offset, and remembers writes. */
function target(address: number) {
  const writes: number[][] = [];
  return {
    id: `fn${address}`,
    address,
    writes,
    readConfig: (offset: number, width: number) => (address * 0x100 + offset) % 2 ** (8 * width),
    writeConfig: (...write: [number, number, number]) => void writes.push(write),
  };
}

function make(resetControl = noReset) {
  const bus = new PciRootBus('pci', resetControl);
  const guest = new GuestDriver().attach('config', ADDRESS, 8, bus.ports());
  const memory = new MemoryBus();
  memory.register('ecam', ECAM, 256 * 2 ** 20, bus.ecam());
  return { bus, guest, memory };
}

describe('mechanism 1', () => {
  test('is found as Linux looks for it', () => {
    const { guest } = make();
    guest.out(0xcfb, 0x01);
    const before = guest.in(ADDRESS, 4);
    guest.out(ADDRESS, 0x80000000, 4);
    expect(guest.in(ADDRESS, 4)).toBe(0x80000000);
    guest.out(ADDRESS, before, 4);
    expect(guest.in(ADDRESS, 4)).toBe(0);
  });

  test('the latch keeps enable, bus, device, function and register', () => {
    const { guest } = make();
    guest.out(ADDRESS, 0xffffffff, 4);
    expect(guest.in(ADDRESS, 4)).toBe(0x80fffffc);
  });

  test.each([
    [ADDRESS, 1],
    [ADDRESS, 2],
    [ADDRESS + 2, 2],
    [ADDRESS + 3, 1],
  ] as const)('port %p at width %p is not the latch', (port, width) => {
    const { guest } = make();
    guest.out(port, 0x80, width);
    expect(guest.in(ADDRESS, 4)).toBe(0);
    expect(guest.in(port, width)).toBe(width === 1 ? 0xff : 0xffff);
  });

  test('reaches any byte, word and dword of a function', () => {
    const { bus, guest } = make();
    const fn = target((1 << 8) | (2 << 3) | 3);
    bus.attach(fn);
    guest.out(ADDRESS, 0x80000000 | (1 << 16) | (2 << 11) | (3 << 8) | 0x40, 4);
    expect(guest.in(DATA, 4)).toBe(0x11340);
    expect(guest.in(DATA + 3)).toBe(0x43);
    guest.out(DATA + 2, 0xbeef, 2);
    expect(fn.writes).toEqual([[0x42, 2, 0xbeef]]);
  });

  test('nothing answers without the enable bit, or where no function is', () => {
    const { bus, guest } = make();
    const fn = target(0);
    bus.attach(fn);
    guest.out(ADDRESS, 0x00000000, 4);
    expect(guest.in(DATA, 4)).toBe(0xffffffff);
    guest.out(DATA, 1, 4);
    guest.out(ADDRESS, 0x80000800, 4);
    expect(guest.in(DATA, 2)).toBe(0xffff);
    guest.out(DATA, 1, 4);
    expect(fn.writes).toEqual([]);
  });

  test('byte accesses to 0xCF9 belong to the reset control register', () => {
    const writes: number[] = [];
    const { guest } = make({ read: () => 0x02, write: (_offset, _width, value) => void writes.push(value) });
    guest.out(0xcf9, 0x06);
    expect(writes).toEqual([0x06]);
    expect(guest.in(0xcf9)).toBe(0x02);
    guest.out(0xcf9, 0x0606, 2);
    expect(writes).toEqual([0x06]);
  });
});

describe('ECAM', () => {
  test('reaches the same functions', () => {
    const { bus, memory } = make();
    const fn = target((255 << 8) | (31 << 3) | 7);
    bus.attach(fn);
    const base = ECAM + 0x0fff_f000;
    expect(memory.read(base + 0x3d, 1)).toBe(0x3d);
    memory.write(base + 0x04, 2, 7);
    expect(fn.writes).toEqual([[0x04, 2, 7]]);
    expect(memory.read(ECAM, 4)).toBe(0xffffffff);
  });

  test('extended space is a zero header and then all ones, and takes no writes', () => {
    const { bus, memory } = make();
    const fn = target(0);
    bus.attach(fn);
    expect(memory.read(ECAM + 0x100, 4)).toBe(0);
    expect(memory.read(ECAM + 0x103, 1)).toBe(0);
    expect(memory.read(ECAM + 0x104, 4)).toBe(0xffffffff);
    expect(memory.read(ECAM + 0xffc, 2)).toBe(0xffff);
    memory.write(ECAM + 0x100, 4, 1);
    expect(fn.writes).toEqual([]);
  });
});

test('two functions at one address are refused by name', () => {
  const { bus } = make();
  bus.attach(target(8));
  expect(() => bus.attach(target(8))).toThrow('PCI address 0x0008: fn8 given, but fn8 is there');
});

test('a restored latch goes on where the guest was', () => {
  const { bus, guest } = make();
  guest.out(ADDRESS, 0x80000008, 4);
  const after = make();
  after.bus.attach(target(0));
  after.bus.deserialize(bus.serialize());
  expect(after.guest.in(DATA)).toBe(0x08);
});

deviceContract('pci-root-bus', () => new PciRootBus('pci', noReset), {
  operate: (bus) => bus.ports().write(0, 4, 0x80001234),
  notState: { functions: 'which function sits where is wiring, complete before the guest runs' },
});
