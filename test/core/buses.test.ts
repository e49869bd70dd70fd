// SPDX-License-Identifier: BSD-2-Clause
import { MemoryBus, type MmioHandler } from '../../src/core/memory-bus.js';
import { PortBus, type PortHandler } from '../../src/core/port-bus.js';

/** Bytes that remember how they were accessed. */
class Scratch implements PortHandler, MmioHandler {
  readonly log: string[] = [];
  readonly bytes = new DataView(new ArrayBuffer(64));

  read(offset: number, width: 1 | 2 | 4): number {
    this.log.push(`read${width} ${offset}`);
    if (width === 1) return this.bytes.getUint8(offset);
    return width === 2 ? this.bytes.getUint16(offset, true) : this.bytes.getUint32(offset, true);
  }

  write(offset: number, width: 1 | 2 | 4, value: number): void {
    this.log.push(`write${width} ${offset} ${value.toString(16)}`);
    if (width === 1) this.bytes.setUint8(offset, value);
    else if (width === 2) this.bytes.setUint16(offset, value, true);
    else this.bytes.setUint32(offset, value, true);
  }
}

describe.each([
  ['ports', () => new PortBus(), 0x3f8],
  ['memory', () => new MemoryBus(), 0xfed0_0000],
])('%s', (_, make, base) => {
  test('an access inside a range reaches its device whole, as an offset', () => {
    const [bus, chip] = [make(), new Scratch()];
    bus.register('chip', base, 8, chip);
    bus.write(base + 4, 4, 0x8765_4321);
    expect(bus.read(base + 4, 4)).toBe(0x8765_4321);
    expect(bus.read(base + 6, 2)).toBe(0x8765);
    expect(chip.log).toEqual(['write4 4 87654321', 'read4 4', 'read2 6']);
  });

  test('an access that straddles ranges is split into bytes', () => {
    const [bus, left, right] = [make(), new Scratch(), new Scratch()];
    bus.register('left', base, 2, left);
    bus.register('right', base + 2, 1, right);
    bus.write(base, 4, 0x4433_2211);
    expect(bus.read(base, 4)).toBe(0xff33_2211);
    expect(left.log.slice(0, 2)).toEqual(['write1 0 11', 'write1 1 22']);
    expect(right.log).toEqual(['write1 0 33', 'read1 0']);
  });

  test("nobody's addresses read as all ones and are reported once per access", () => {
    const bus = make();
    const seen: unknown[] = [];
    bus.onUnmapped = (...access) => seen.push(access);
    expect(bus.read(base, 1)).toBe(0xff);
    expect(bus.read(base, 2)).toBe(0xffff);
    expect(bus.read(base, 4)).toBe(0xffff_ffff);
    bus.write(base, 4, 5);
    expect(seen).toEqual([
      [base, 1, false, 0xff],
      [base, 2, false, 0xffff],
      [base, 4, false, 0xffff_ffff],
      [base, 4, true, 5],
    ]);
  });

  test('overlaps are refused by both names', () => {
    const bus = make();
    bus.register('first', base, 8, new Scratch());
    expect(() => bus.register('second', base + 7, 8, new Scratch())).toThrow(/second overlaps first/);
    expect(() => bus.register('third', base - 4, 5, new Scratch())).toThrow(/third overlaps first/);
  });

  test('a range can be taken off and put elsewhere', () => {
    const [bus, chip] = [make(), new Scratch()];
    const remove = bus.register('chip', base, 8, chip);
    bus.read(base, 1);
    remove();
    remove();
    expect(bus.read(base, 1)).toBe(0xff);
    const other = bus.register('other', base, 4, new Scratch());
    remove();
    expect(bus.read(base, 1)).toBe(0);
    other();
  });

  test('a device cannot answer with more than was asked', () => {
    const bus = make();
    bus.register('wild', base, 8, { read: () => -1, write() {} });
    expect(bus.read(base, 1)).toBe(0xff);
    expect(bus.read(base, 4)).toBe(0xffff_ffff);
  });

  test('a range outside the address space is refused by name', () => {
    expect(() => make().register('bad', 2 ** 52, 1, new Scratch())).toThrow(/of bad: expected a range/);
    expect(() => make().register('bad', base, 0, new Scratch())).toThrow(/of bad: expected a range/);
  });
});

test('the last port and what lies beyond', () => {
  const [bus, chip] = [new PortBus(), new Scratch()];
  bus.register('chip', 0xffff, 1, chip);
  expect(bus.read(0xffff, 2)).toBe(0xff00);
});

test('8-byte accesses are two 4-byte ones, low half first, unless the device takes them', () => {
  const [bus, halves] = [new MemoryBus(), new Scratch()];
  bus.register('halves', 0x1000, 16, halves);
  bus.write64(0x1000, 0x1122_3344_5566_7788n);
  expect(bus.read64(0x1000)).toBe(0x1122_3344_5566_7788n);
  expect(halves.log).toEqual(['write4 0 55667788', 'write4 4 11223344', 'read4 0', 'read4 4']);

  let stored = 0n;
  const wide: MmioHandler = {
    read: () => 0,
    write: () => {},
    read64: () => stored,
    write64: (_, value) => {
      stored = value;
    },
  };
  bus.register('wide', 0x2000, 8, wide);
  bus.write64(0x2000, 0xffff_ffff_ffff_fffen);
  expect(bus.read64(0x2000)).toBe(0xffff_ffff_ffff_fffen);
  expect(bus.read64(0x9000)).toBe(0xffff_ffff_ffff_ffffn);
});

test('the search finds each of many ranges', () => {
  const bus = new MemoryBus();
  for (let i = 20; i >= 0; i -= 1) bus.register(`r${i}`, i * 0x1000, 0x100, { read: () => i, write() {} });
  for (let i = 0; i <= 20; i += 1) {
    expect(bus.read(i * 0x1000 + 0xff, 1)).toBe(i);
    expect(bus.read(i * 0x1000 + 0x100, 1)).toBe(0xff);
  }
});

test('the buses list who answers where, in ascending order', () => {
  for (const bus of [new PortBus(), new MemoryBus()]) {
    bus.register('second', 0x60, 1, new Scratch());
    bus.register('first', 0x20, 2, new Scratch());
    expect(bus.list().map(({ name, base, end }) => [name, base, end])).toEqual([
      ['first', 0x20, 0x22],
      ['second', 0x60, 0x61],
    ]);
  }
});
