// SPDX-License-Identifier: BSD-2-Clause
import { mpTable } from '../../src/boot/mptable.js';
import { byteSum, viewOf } from './support/plan.js';

const ENTRY_SIZES = [20, 8, 8, 8, 8];

function parse(cpus: number) {
  const [write] = mpTable(cpus);
  const bytes = viewOf(write ?? { bytes: new Uint8Array() });
  const pointer = bytes.subarray(0, 16);
  const tableAt = pointer.readUInt32LE(4) - (write?.address ?? 0);
  const table = bytes.subarray(tableAt, tableAt + bytes.readUInt16LE(tableAt + 4));
  const entries: Buffer[] = [];
  for (let at = 44; at < table.length; ) {
    const size = ENTRY_SIZES[table[at] ?? 0] ?? 8;
    entries.push(table.subarray(at, at + size));
    at += size;
  }
  return { address: write?.address, pointer, table, entries };
}

test('the pointer is at 0xF0000 and both checksums hold', () => {
  const { address, pointer, table, entries } = parse(2);
  expect(address).toBe(0xf0000);
  expect(pointer.toString('latin1', 0, 4)).toBe('_MP_');
  expect(table.toString('latin1', 0, 4)).toBe('PCMP');
  expect([byteSum(pointer), byteSum(table)]).toEqual([0, 0]);
  expect(table.readUInt16LE(34)).toBe(entries.length);
  expect(table.readUInt32LE(36)).toBe(0xfee00000);
});

test('CPU 0 is the bootstrap processor', () => {
  const cpus = parse(3).entries.filter(([type]) => type === 0);
  expect(cpus.map((entry) => [entry[1], entry[3]])).toEqual([
    [0, 3],
    [1, 1],
    [2, 1],
  ]);
});

test('interrupts: the timer on pin 2, the SCI level low, PCI on pins from 16', () => {
  const interrupts = parse(1).entries.filter(([type]) => type === 3);
  const isa = interrupts.filter((entry) => entry[4] === 1);
  expect(isa.map((entry) => [entry[5], entry[7]])).toEqual(
    [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].map((irq) => [irq, irq === 0 ? 2 : irq]),
  );
  expect(isa.find((entry) => entry[5] === 9)?.readUInt16LE(2)).toBe(0xf);
  const slot3IntB = interrupts.find((entry) => entry[4] === 0 && entry[5] === ((3 << 2) | 1));
  expect([slot3IntB?.[7], slot3IntB?.readUInt16LE(2)]).toEqual([16 + 1, 0xf]);
});

test('it ends before the SMBIOS area, and more CPUs than fit are refused', () => {
  const { table } = parse(128);
  expect(0xf0010 + table.length).toBeLessThanOrEqual(0xf1000);
  expect(() => mpTable(129)).toThrow('MP table: 129 CPUs; at most 128 fit, switch the MP table off');
});
