// SPDX-License-Identifier: BSD-2-Clause
import fc from 'fast-check';
import { GuestFault, GuestMemory } from '../../src/core/guest-memory.js';

const BASE = 0x1000;
const HIGH = 2 ** 32 - 8;

/** 16 + 16 bytes in a row, a hole, and 16 bytes across the 4 GiB line. */
function build() {
  const writes: [number, number][] = [];
  const memory = new GuestMemory(
    [
      { base: BASE + 16, bytes: new Uint8Array(16) },
      { base: BASE, bytes: new Uint8Array(16) },
      { base: HIGH, bytes: new Uint8Array(16) },
    ],
    (address, length) => writes.push([address, length]),
  );
  return { memory, writes };
}

test('numbers of every width agree with plain bytes, across the seam as well', () => {
  const width = fc.constantFrom(1, 2, 4, 8);
  const step = fc.record({ offset: fc.integer({ min: 0, max: 24 }), width, value: fc.bigInt(0n, 2n ** 64n - 1n) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const { memory } = build();
      const model = new DataView(new ArrayBuffer(32));
      for (const { offset, width, value } of steps) {
        const number = Number(BigInt.asUintN(32, value));
        if (width === 1) memory.writeU8(BASE + offset, number & 0xff);
        else if (width === 2) memory.writeU16(BASE + offset, number & 0xffff);
        else if (width === 4) memory.writeU32(BASE + offset, number);
        else memory.writeU64(BASE + offset, value);
        for (let i = 0; i < width; i += 1) model.setUint8(offset + i, Number((value >> BigInt(8 * i)) & 0xffn));
      }
      for (let offset = 0; offset <= 24; offset += 1) {
        expect(memory.readU8(BASE + offset)).toBe(model.getUint8(offset));
        expect(memory.readU16(BASE + offset)).toBe(model.getUint16(offset, true));
        expect(memory.readU32(BASE + offset)).toBe(model.getUint32(offset, true));
        expect(memory.readU64(BASE + offset)).toBe(model.getBigUint64(offset, true));
      }
      expect(memory.read(BASE, 32)).toEqual(new Uint8Array(model.buffer));
    }),
  );
});

test('spans are copied in and out across the seam', () => {
  const { memory, writes } = build();
  memory.write(BASE + 14, Uint8Array.of(1, 2, 3, 4));
  expect(writes).toEqual([
    [BASE + 14, 2],
    [BASE + 16, 2],
  ]);
  expect(memory.read(BASE + 13, 6)).toEqual(Uint8Array.of(0, 1, 2, 3, 4, 0));
  memory.fill(BASE + 15, 2, 0xee);
  expect(memory.readU32(BASE + 14)).toBe(0x04ee_ee01);
  const copy = memory.read(BASE + 14, 1);
  copy[0] = 0xff;
  expect(memory.readU8(BASE + 14)).toBe(1);
});

test('an access is either inside or a fault that has stored nothing', () => {
  const inside = (address: number, length: number): boolean =>
    (address >= BASE && address + length <= BASE + 32) || (address >= HIGH && address + length <= HIGH + 16);
  const near = fc.constantFrom(BASE, BASE + 16, BASE + 32, HIGH, HIGH + 16).chain((edge) => {
    return fc.integer({ min: -9, max: 9 }).map((delta) => edge + delta);
  });
  fc.assert(
    fc.property(near, fc.integer({ min: 1, max: 40 }), (address, length) => {
      const { memory, writes } = build();
      const legal = inside(address, length);
      expect(memory.contains(address, length)).toBe(legal);
      const actions = [
        () => memory.read(address, length),
        () => memory.write(address, new Uint8Array(length).fill(0xaa)),
        () => memory.fill(address, length, 0xaa),
      ];
      for (const action of actions) {
        if (legal) expect(action).not.toThrow();
        else expect(action).toThrow(GuestFault);
      }
      if (legal) return;
      expect(writes).toEqual([]);
      expect(memory.read(BASE, 32)).toEqual(new Uint8Array(32));
    }),
  );
});

test.each([-1, 0.5, 0, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, BASE + 32, BASE + 31])(
  'address %p faults',
  (address) => {
    const { memory } = build();
    expect(() => memory.readU16(address)).toThrow(GuestFault);
    expect(() => memory.readU32(address)).toThrow(GuestFault);
    expect(() => memory.readU64(address)).toThrow(GuestFault);
    expect(() => memory.writeU16(address, 0)).toThrow(GuestFault);
    expect(() => memory.writeU64(address, 0n)).toThrow(GuestFault);
    expect(() => memory.slice(address, 2)).toThrow(GuestFault);
  },
);

test('lengths that wrap or are negative fault', () => {
  const { memory } = build();
  expect(() => memory.read(BASE, -1)).toThrow(GuestFault);
  expect(() => memory.slice(BASE, -1)).toThrow(GuestFault);
  expect(() => memory.fill(BASE, Number.MAX_SAFE_INTEGER, 0)).toThrow(GuestFault);
  expect(memory.read(BASE, 0)).toHaveLength(0);
});

test('a slice is a view of one segment', () => {
  const { memory, writes } = build();
  memory.writableSlice(BASE + 4, 2).fill(7);
  memory.markWritten(BASE + 4, 2);
  expect(memory.readU32(BASE + 4)).toBe(0x0707);
  expect(writes).toEqual([[BASE + 4, 2]]);
  expect(() => memory.slice(BASE + 14, 4)).toThrow(GuestFault);
  expect(memory.sliceOfOne(BASE + 14, 4)).toBeNull();
  expect(memory.sliceOfOne(BASE + 3, 3)).toEqual(Uint8Array.of(0, 7, 7));
  expect(() => memory.sliceOfOne(BASE + 30, 4)).toThrow(GuestFault);
});

test('a copy may go into the middle of something else', () => {
  const { memory } = build();
  memory.write(BASE + 14, Uint8Array.of(1, 2, 3, 4));
  const into = new Uint8Array(6);
  memory.readInto(BASE + 14, 4, into, 1);
  expect(into).toEqual(Uint8Array.of(0, 1, 2, 3, 4, 0));
  expect(() => memory.readInto(BASE + 30, 4, into, 0)).toThrow(GuestFault);
  expect(into).toEqual(Uint8Array.of(0, 1, 2, 3, 4, 0));
});

test('stores to a read-only segment are dropped', () => {
  const rom = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const written: number[] = [];
  const memory = new GuestMemory([{ base: 0, bytes: rom, readOnly: true }], (address) => written.push(address));
  memory.writeU8(0, 9);
  memory.writeU16(0, 9);
  memory.writeU32(0, 9);
  memory.writeU64(0, 9n);
  memory.atomicWriteU16(0, 9);
  memory.write(0, Uint8Array.of(9));
  memory.fill(0, 8, 9);
  expect(memory.readU64(0)).toBe(0x0807_0605_0403_0201n);
  expect(written).toEqual([]);
  expect(() => memory.writableSlice(0, 1)).toThrow(GuestFault);
});

test('atomic ring indexes are little-endian like the rest, and aligned', () => {
  const { memory, writes } = build();
  memory.atomicWriteU16(BASE + 18, 0x1234);
  expect(memory.readU8(BASE + 18)).toBe(0x34);
  expect(memory.atomicReadU16(BASE + 18)).toBe(0x1234);
  expect(writes).toEqual([[BASE + 18, 2]]);
  expect(() => memory.atomicReadU16(BASE + 1)).toThrow(GuestFault);
  expect(() => memory.atomicWriteU16(BASE + 32, 0)).toThrow(GuestFault);
});

test('64-bit guest addresses are narrowed once', () => {
  expect(GuestMemory.address(0x1_0000_0000n)).toBe(2 ** 32);
  expect(() => GuestMemory.address(2n ** 64n - 1n)).toThrow(GuestFault);
});

test('the size counts all segments; overlapping ones are refused', () => {
  expect(build().memory.size).toBe(48);
  const overlapping = [
    { base: 0, bytes: new Uint8Array(16) },
    { base: 8, bytes: new Uint8Array(16) },
  ];
  expect(() => new GuestMemory(overlapping)).toThrow('segments at 0x0 and 0x8 overlap');
});

test('whole pages of RAM are given back, and nothing else', () => {
  const page = (value: number): Uint8Array => new Uint8Array(4096).fill(value);
  const given: number[][] = [];
  const segments = [
    { base: 0, bytes: page(1) },
    { base: 4096, bytes: page(1) },
    { base: 8192, bytes: page(1), readOnly: true },
  ];
  const memory = new GuestMemory(segments, undefined, (address, length) => given.push([address, length]));
  memory.discard(0, 8192);
  expect(given).toEqual([
    [0, 4096],
    [4096, 4096],
  ]);
  for (const [address, length] of [
    [8192, 4096],
    [4096, 8192],
    [12288, 4096],
    [0, 100],
    [100, 4096],
    [-4096, 4096],
  ] as const) {
    expect(() => memory.discard(address, length)).toThrow(GuestFault);
  }
  expect(given).toHaveLength(2);
  const written: number[] = [];
  const filled = new GuestMemory(segments, (address) => written.push(address));
  filled.discard(4096, 4096);
  expect([filled.readU8(4095), filled.readU8(4096), filled.readU8(8191)]).toEqual([1, 0, 0]);
  expect(written).toEqual([4096]);
});
