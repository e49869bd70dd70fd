// SPDX-License-Identifier: BSD-2-Clause
import * as aml from '../../../src/boot/acpi/aml.js';
import {
  busWindow,
  io,
  irqNoFlags,
  memory32Fixed,
  memoryWindow64,
  pciIrq,
  resourceTemplate,
} from '../../../src/boot/acpi/aml-resources.js';

const hex = (term: aml.Aml) => Buffer.from(term).toString('hex');
const ascii = (text: string) => Buffer.from(text).toString('hex');

test.each([
  [0, '00'],
  [1, '01'],
  [2, '0a02'],
  [0xff, '0aff'],
  [0x100, '0b0001'],
  [0xfffff, '0cffff0f00'],
  [0x100000000n, '0e0000000001000000'],
])('integer %s takes its shortest form', (value, expected) => {
  expect(hex(aml.integer(value))).toBe(expected);
});

test.each([
  ['\\', '5c00'],
  ['_HID', ascii('_HID')],
  ['PIC', ascii('PIC_')],
  ['\\_SB', `5c${ascii('_SB_')}`],
  ['\\_SB.PCI0', `5c2e${ascii('_SB_PCI0')}`],
  ['^A.B.C', `5e2f03${ascii('A___B___C___')}`],
])('name %s', (path, expected) => {
  expect(hex(aml.nameString(path))).toBe(expected);
});

test('package lengths count themselves and grow by a byte at 64, 4096 and 1 MiB', () => {
  const lead = (bodyLength: number) => hex(aml.otherwise(Array.from({ length: bodyLength }, () => 0xa3)).slice(0, 5));
  expect(lead(62)).toMatch(/^a13f/);
  expect(lead(63)).toMatch(/^a14104/); // 65 = 0x041
  expect(lead(4093)).toMatch(/^a14fff/);
  expect(lead(4094)).toMatch(/^a1810001/); // 4097 = 0x1001: low nibble, then 0x100
});

test('EISA identifiers are compressed', () => {
  expect(hex(aml.eisaId('PNP0A03'))).toBe('0c41d00a03');
  expect(hex(aml.eisaId('PNP0501'))).toBe('0c41d00501');
});

test('the first three groups of a UUID are stored with their bytes reversed', () => {
  expect(hex(aml.uuid('33DB4D5B-1FF7-401C-9657-7441C03DD766'))).toBe('11130a105b4ddb33f71f1c4096577441c03dd766');
});

test('resource descriptors', () => {
  expect(hex(io(0x3f8, 8))).toBe('4701f803f8030108');
  expect(hex(irqNoFlags(4))).toBe('221000');
  expect(hex(pciIrq([5, 10]))).toBe('23200418');
  expect(hex(memory32Fixed(0xfed00000, 0x400))).toBe('8609000100' + '00d0fe' + '00040000');
  expect(hex(busWindow(0, 255))).toBe('880d00020c00' + '0000' + '0000' + 'ff00' + '0000' + '0001');
  expect(memoryWindow64(0x800000000, 0xfffffffff)).toHaveLength(3 + 0x2b);
  expect(hex(resourceTemplate(irqNoFlags(4)))).toBe('11080a05' + '221000' + '7900');
});
