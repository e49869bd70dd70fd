// SPDX-License-Identifier: BSD-2-Clause
import * as bits from '../../src/core/bits.js';

test('values stay unsigned', () => {
  expect(bits.bit(31)).toBe(2_147_483_648);
  expect(bits.u32(-1)).toBe(4_294_967_295);
  expect(bits.u16(0x12345)).toBe(0x2345);
  expect(bits.u8(-1)).toBe(255);
  expect([bits.mask(1), bits.mask(2), bits.mask(4)]).toEqual([255, 65_535, 4_294_967_295]);
});

test('64-bit values split and join', () => {
  expect(bits.low32(0x1122_3344_aabb_ccddn)).toBe(0xaabb_ccdd);
  expect(bits.high32(0xf122_3344_aabb_ccddn)).toBe(0xf122_3344);
  expect(bits.join64(0xaabb_ccdd, 0xf122_3344)).toBe(0xf122_3344_aabb_ccddn);
  expect(bits.u64(-1n)).toBe(bits.MASK64);
});

test('alignment works above 32 bits', () => {
  expect(bits.alignUp(2 ** 40 + 1, 4096)).toBe(2 ** 40 + 4096);
  expect(bits.alignDown(2 ** 40 + 4095, 4096)).toBe(2 ** 40);
  expect(bits.alignUp(8192, 4096)).toBe(8192);
  expect([bits.isAligned(2 ** 40, 4096), bits.isAligned(2 ** 40 + 8, 4096)]).toEqual([true, false]);
});

test('powers of two', () => {
  expect([1, 2, 4096, 2 ** 40].every(bits.isPowerOfTwo)).toBe(true);
  expect([0, 3, -4, 0.5, 2 ** 40 + 1].some(bits.isPowerOfTwo)).toBe(false);
});

test('hexadecimal text', () => {
  expect(bits.hex(0x3f8)).toBe('0x3f8');
  expect(bits.hex(0xan, 4)).toBe('0x000a');
  expect(bits.hex(-16)).toBe('-0x10');
});
