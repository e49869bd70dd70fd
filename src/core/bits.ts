// SPDX-License-Identifier: BSD-2-Clause
/** Arithmetic on register-sized values: numbers up to 32 bits are kept unsigned, 64-bit values are bigint. */

/** Access width in bytes of everything a `number` can carry. */
export type Width = 1 | 2 | 4;

/** All ones of a 64-bit value. */
export const MASK64 = 0xffff_ffff_ffff_ffffn;

/** All ones of a value that is `width` bytes wide. */
export function mask(width: Width): number {
  return width === 1 ? 0xff : width === 2 ? 0xffff : 0xffff_ffff;
}

export function u8(value: number): number {
  return value & 0xff;
}

export function u16(value: number): number {
  return value & 0xffff;
}

export function u32(value: number): number {
  return value >>> 0;
}

export function u64(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

export function low32(value: bigint): number {
  return Number(BigInt.asUintN(32, value));
}

export function high32(value: bigint): number {
  return Number(BigInt.asUintN(32, value >> 32n));
}

export function join64(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/** Bit `index` (0-31) as an unsigned value. */
export function bit(index: number): number {
  return (1 << index) >>> 0;
}

export function isPowerOfTwo(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0 && 2 ** Math.round(Math.log2(value)) === value;
}

/** Addresses exceed 32 bits, so alignment uses division and not bit operators. */
export function alignDown(value: number, alignment: number): number {
  return value - (value % alignment);
}

export function alignUp(value: number, alignment: number): number {
  return alignDown(value + alignment - 1, alignment);
}

export function isAligned(value: number, alignment: number): boolean {
  return value % alignment === 0;
}

/** `0x3f8`, padded with zeros to `digits`. */
export function hex(value: number | bigint, digits = 0): string {
  const sign = value < 0 ? '-' : '';
  const magnitude = value < 0 ? -value : value;
  return `${sign}0x${magnitude.toString(16).padStart(digits, '0')}`;
}
