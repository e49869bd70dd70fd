// SPDX-License-Identifier: BSD-2-Clause
import { memorySizeBytes } from '../../../devices/isa/cmos-layout.js';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

function cmos(lowMemory: number, highMemory = 0): (first: number, length: number) => number {
  const bytes = new Map(memorySizeBytes(lowMemory, highMemory).map(({ index, value }) => [index, value]));
  return (first, length) =>
    Array.from({ length }, (_, byte) => (bytes.get(first + byte) ?? NaN) * 256 ** byte).reduce(
      (sum, part) => sum + part,
    );
}

test('a machine of 256 MiB', () => {
  const read = cmos(256 * MIB);
  expect(read(0x15, 2)).toBe(640);
  expect(read(0x17, 2)).toBe(65_535); // 255 MiB do not fit
  expect(read(0x30, 2)).toBe(65_535);
  expect(read(0x34, 2)).toBe((240 * MIB) / 65_536);
  expect(read(0x5b, 3)).toBe(0);
});

test('a machine of 8 GiB: 3 below the hole, 5 above 4 GiB', () => {
  const read = cmos(3 * GIB, 5 * GIB);
  expect(read(0x34, 2)).toBe(0xbf00);
  expect(read(0x5b, 3)).toBe(0x014000);
});

test('a machine of 8 MiB has nothing above 16 MiB', () => {
  const read = cmos(8 * MIB);
  expect(read(0x17, 2)).toBe(7 * 1024);
  expect(read(0x34, 2)).toBe(0);
});

test('the checksum is over 0x10 to 0x2D, high byte first', () => {
  const read = cmos(8 * MIB);
  expect(read(0x2e, 1) * 256 + read(0x2f, 1)).toBe(0x80 + 0x02 + 0x00 + 0x1c);
});
