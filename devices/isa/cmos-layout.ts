// SPDX-License-Identifier: BSD-2-Clause
/**
 * CMOS bytes from which firmware and old systems learn the size of memory.
 * Bytes 0x15-0x18 and 0x30-0x31 are the PC/AT's, with its checksum; 0x34-0x35 and 0x5B-0x5D are read by OVMF and SeaBIOS.
 */

export interface CmosByte {
  readonly index: number;
  readonly value: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const BASE_KIB = 640;
const CHECKSUM_FIRST = 0x10;
const CHECKSUM_LAST = 0x2d;

/** For RAM of `lowMemory` bytes from address 0 and `highMemory` bytes from 4 GiB. */
export function memorySizeBytes(lowMemory: number, highMemory: number): CmosByte[] {
  const extendedKib = units(lowMemory - MIB, KIB, 2);
  const bytes = [
    ...littleEndian(0x15, BASE_KIB, 2),
    ...littleEndian(0x17, extendedKib, 2),
    ...littleEndian(0x30, extendedKib, 2),
    ...littleEndian(0x34, units(lowMemory - 16 * MIB, 64 * KIB, 2), 2),
    ...littleEndian(0x5b, units(highMemory, 64 * KIB, 3), 3),
  ];
  return [...bytes, ...checksum(bytes)];
}

/** Whole units, as many as `length` bytes can say. */
function units(size: number, unit: number, length: number): number {
  return Math.min(Math.max(Math.floor(size / unit), 0), 2 ** (8 * length) - 1);
}

function littleEndian(index: number, value: number, length: number): CmosByte[] {
  return Array.from({ length }, (_, byte) => ({ index: index + byte, value: (value >>> (8 * byte)) & 0xff }));
}

/** The sum of bytes 0x10-0x2D, high byte first. */
function checksum(bytes: readonly CmosByte[]): CmosByte[] {
  const covered = bytes.filter(({ index }) => index >= CHECKSUM_FIRST && index <= CHECKSUM_LAST);
  const sum = covered.reduce((total, { value }) => total + value, 0);
  return [
    { index: 0x2e, value: (sum >> 8) & 0xff },
    { index: 0x2f, value: sum & 0xff },
  ];
}
