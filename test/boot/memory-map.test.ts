// SPDX-License-Identifier: BSD-2-Clause
import {
  isRam,
  memoryMap,
  pciMem64,
  ramLayout,
  VM_GENERATION_ID,
  VM_GENERATION_PAGE,
} from '../../src/boot/memory-map.js';

const MIB = 0x100000;
const GIB = 1024 * MIB;

test('RAM above 3 GiB goes to 4 GiB', () => {
  expect(ramLayout(3 * GIB)).toEqual({ low: 3 * GIB, high: 0 });
  expect(ramLayout(8 * GIB)).toEqual({ low: 3 * GIB, high: 5 * GIB });
});

test.each([0, MIB, 4095, 64 * MIB + 1, -4096, Number.NaN, 2 ** 53])('a size of %s is refused', (size) => {
  expect(() => ramLayout(size)).toThrow(/^memory size: .* accepted are multiples of 4096/);
});

test('the map lists low RAM, the 640 KiB hole, ECAM and high RAM', () => {
  expect(memoryMap(ramLayout(4 * GIB))).toEqual([
    { base: 0, size: 0xa0000, kind: 'ram' },
    { base: 0xa0000, size: 0x60000, kind: 'reserved' },
    { base: 0x100000, size: 3 * GIB - MIB, kind: 'ram' },
    { base: 0xe0000000, size: 0x10000000, kind: 'reserved' },
    { base: 4 * GIB, size: GIB, kind: 'ram' },
  ]);
});

test('the VM generation id lies in RAM that is reserved, aligned to 8 bytes, in a page of its own', () => {
  const ram = ramLayout(2 * MIB);
  const reserved = memoryMap(ram).find(
    ({ base, size }) => base <= VM_GENERATION_PAGE && VM_GENERATION_PAGE < base + size,
  );
  expect(reserved?.kind).toBe('reserved');
  expect(isRam(ram, VM_GENERATION_PAGE, 4096)).toBe(true);
  expect([VM_GENERATION_PAGE % 4096, VM_GENERATION_ID % 8]).toEqual([0, 0]);
  expect(VM_GENERATION_ID - VM_GENERATION_PAGE).toBeLessThanOrEqual(4096 - 16);
  expect(VM_GENERATION_ID % 2048).not.toBe(0); // where option ROMs begin
});

test('64-bit BARs start at the next multiple of 32 GiB', () => {
  expect(pciMem64(ramLayout(GIB)).base).toBe(32 * GIB);
  expect(pciMem64(ramLayout(31 * GIB)).base).toBe(32 * GIB);
  expect(pciMem64(ramLayout(32 * GIB))).toEqual({ base: 64 * GIB, size: 32 * GIB });
});

test('a range over the hole is no RAM', () => {
  const ram = ramLayout(4 * GIB);
  expect(isRam(ram, 3 * GIB - 4096, 4096)).toBe(true);
  expect(isRam(ram, 3 * GIB - 4096, 4097)).toBe(false);
  expect(isRam(ram, 4 * GIB, GIB)).toBe(true);
  expect(isRam(ram, 4 * GIB - 1, 2)).toBe(false);
  expect(isRam(ram, 4 * GIB, GIB + 1)).toBe(false);
});
