// SPDX-License-Identifier: BSD-2-Clause
import { firmwareMtrrs } from '../../src/machine/memory-types.js';

function mtrrs(physicalAddressBits: number): Map<number, bigint> {
  const words = [...firmwareMtrrs(physicalAddressBits)];
  return new Map(words.flatMap((word, at) => (at % 2 === 0 ? [[Number(word), words[at + 1] ?? -1n]] : [])));
}

test('everything is write-back by default, with fixed and variable ranges enabled', () => {
  expect(mtrrs(40).get(0x2ff)).toBe(0xc06n);
});

test('the gap between 3 and 4 GiB is not cached', () => {
  expect(mtrrs(40).get(0x200)).toBe(0xc000_0000n);
  expect(mtrrs(40).get(0x201)).toBe(0xff_c000_0800n);
  expect(mtrrs(36).get(0x201)).toBe(0xf_c000_0800n);
});

test('below 1 MiB: RAM, the VGA window, and firmware that is not written', () => {
  const all = mtrrs(40);
  expect([0x250, 0x258].map((number) => all.get(number))).toEqual([0x0606060606060606n, 0x0606060606060606n]);
  expect(all.get(0x259)).toBe(0n);
  for (let number = 0x268; number <= 0x26f; number += 1) expect(all.get(number)).toBe(0x0505050505050505n);
});
