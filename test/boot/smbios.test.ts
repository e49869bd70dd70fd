// SPDX-License-Identifier: BSD-2-Clause
import { ramLayout } from '../../src/boot/memory-map.js';
import { smbiosTables } from '../../src/boot/smbios.js';
import type { SmbiosOptions } from '../../src/boot/smbios-structures.js';
import { byteSum, viewOf } from './support/plan.js';

const GIB = 0x40000000;
const options: SmbiosOptions = {
  uuid: '00112233-4455-6677-8899-aabbccddeeff',
  ram: ramLayout(4 * GIB),
  sockets: 2,
  coresPerSocket: 2,
  threadsPerCore: 2,
};

interface Structure {
  type: number;
  body: Buffer;
  strings: string[];
}

function parse(changes: Partial<SmbiosOptions> = {}) {
  const [write] = smbiosTables({ ...options, ...changes });
  const bytes = viewOf(write ?? { bytes: new Uint8Array() });
  const table = bytes.subarray(bytes.readUInt32LE(0x18) - (write?.address ?? 0));
  const structures: Structure[] = [];
  for (let at = 0; at < table.length; ) {
    const body = table.subarray(at, at + (table[at + 1] ?? 0));
    const end = table.indexOf('\0\0', at + body.length, 'latin1');
    const strings = table.toString('latin1', at + body.length, end).split('\0');
    structures.push({ type: body[0] ?? -1, body, strings: strings[0] === '' ? [] : strings });
    at = end + 2;
  }
  const only = (type: number) => {
    const found = structures.find((structure) => structure.type === type);
    if (found === undefined) {
      throw new Error(`no structure of type ${type}`);
    }
    return found;
  };
  return { address: write?.address, bytes, table, structures, only };
}

test('both entry points lead to the same structures', () => {
  const { address, bytes, table, structures } = parse();
  expect(address).toBe(0xf1000);
  expect(bytes.toString('latin1', 0, 4)).toBe('_SM_');
  expect(bytes.toString('latin1', 0x10, 0x15)).toBe('_DMI_');
  expect([byteSum(bytes.subarray(0, 0x1f)), byteSum(bytes.subarray(0x10, 0x1f))]).toEqual([0, 0]);
  expect([bytes.readUInt16LE(0x16), bytes.readUInt16LE(0x1c)]).toEqual([table.length, structures.length]);

  const wide = bytes.subarray(0x20, 0x38);
  expect(wide.toString('latin1', 0, 5)).toBe('_SM3_');
  expect(byteSum(wide)).toBe(0);
  expect(wide.readBigUInt64LE(16)).toBe(BigInt(bytes.readUInt32LE(0x18)));
});

test('the structures are complete and end with type 127', () => {
  expect(parse().structures.map(({ type }) => type)).toEqual([0, 1, 2, 3, 4, 4, 16, 17, 19, 19, 32, 127]);
});

test('system information carries the strings and the UUID, its first groups little-endian', () => {
  const { body, strings } = parse({ strings: { product: 'Box', serial: '42' } }).only(1);
  expect(body.toString('hex', 8, 24)).toBe('33221100554477668899aabbccddeeff');
  expect(strings[(body[5] ?? 0) - 1]).toBe('Box');
  expect(strings[(body[7] ?? 0) - 1]).toBe('42');
  expect(body[0x19]).toBe(0); // no SKU given
});

test('the BIOS date is from before 2015, so that Linux keeps RTC alarms on the RTC', () => {
  const { body, strings } = parse().only(0);
  const date = strings[(body[8] ?? 0) - 1] ?? '';
  expect(Number(date.slice(6))).toBeLessThan(2015);
});

test('memory: array capacity, device size and the ranges below and above 4 GiB', () => {
  const { only, structures } = parse();
  expect(only(16).body.readUInt32LE(7)).toBe(4 * 1024 * 1024);
  expect(only(17).body.readUInt16LE(0x0c)).toBe(4096);
  const ranges = structures
    .filter(({ type }) => type === 19)
    .map(({ body }) => [body.readUInt32LE(4), body.readUInt32LE(8)]);
  expect(ranges).toEqual([
    [0, 3 * 1024 * 1024 - 1],
    [4 * 1024 * 1024, 5 * 1024 * 1024 - 1],
  ]);
});

test('memory beyond the old limits goes into the extended fields', () => {
  const { only, structures } = parse({ ram: ramLayout(5000 * GIB) });
  expect(only(16).body.readUInt32LE(7)).toBe(0x80000000);
  expect(only(16).body.readBigUInt64LE(0x0f)).toBe(5000n * BigInt(GIB));
  expect([only(17).body.readUInt16LE(0x0c), only(17).body.readUInt32LE(0x1c)]).toEqual([0x7fff, 5000 * 1024]);
  const high = structures.filter(({ type }) => type === 19)[1]?.body;
  expect([high?.readUInt32LE(4), high?.readBigUInt64LE(0x0f)]).toEqual([0xffffffff, 4n * BigInt(GIB)]);
});

test('a processor tells cores and threads', () => {
  const { body } = parse().only(4);
  expect([body[0x23], body[0x24], body[0x25]]).toEqual([2, 2, 4]);
});

test.each([
  [{ uuid: 'x' }, /SMBIOS: UUID "x"; accepted is xxxxxxxx-/],
  [{ strings: { serial: 'a\nb' } }, /SMBIOS: string "a\\nb"; accepted are up to 64 printable ASCII characters/],
  [{ sockets: 200 }, /SMBIOS: the tables take \d+ bytes, 5056 fit/],
])('%j is refused', (changes, message) => {
  expect(() => parse(changes)).toThrow(message);
});
