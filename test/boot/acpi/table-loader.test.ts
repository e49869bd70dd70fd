// SPDX-License-Identifier: BSD-2-Clause
import { acpiTables, placeTables } from '../../../src/boot/acpi/place-tables.js';
import { tableLoaderFiles } from '../../../src/boot/acpi/table-loader.js';
import { ramLayout } from '../../../src/boot/memory-map.js';
import { byteSum } from '../support/plan.js';

const tables = acpiTables({
  cpus: 2,
  ram: ramLayout(0x10000000),
  lpcSlot: 31,
  moreBuses: [],
  serialPorts: [1],
  hpet: true,
  ps2: true,
  fwCfg: true,
});

/** Follows the script as firmware does, with `etc/acpi/tables` at the given address. */
function runScript(tablesAt: number) {
  const files = new Map([...tableLoaderFiles(tables)].map(([name, bytes]) => [name, Buffer.from(bytes)]));
  const file = (name: string) => files.get(name) ?? Buffer.alloc(0);
  const text = (bytes: Buffer, at: number) => bytes.toString('latin1', at, bytes.indexOf(0, at));
  const script = file('etc/table-loader');
  const allocated: [string, number, number][] = [];
  for (let at = 0; at < script.length; at += 128) {
    const command = script.subarray(at, at + 128);
    const name = text(command, 4);
    switch (command.readUInt32LE(0)) {
      case 1:
        allocated.push([name, command.readUInt32LE(60), command.readUInt8(64)]);
        break;
      case 2: {
        expect(text(command, 60)).toBe('etc/acpi/tables');
        const [field, size] = [command.readUInt32LE(116), command.readUInt8(120)];
        file(name).writeUIntLE(file(name).readUIntLE(field, Math.min(size, 6)) + tablesAt, field, Math.min(size, 6));
        break;
      }
      case 3: {
        const [field, start, length] = [command.readUInt32LE(60), command.readUInt32LE(64), command.readUInt32LE(68)];
        expect(file(name)[field]).toBe(0);
        file(name)[field] = -byteSum(file(name).subarray(start, start + length)) & 0xff;
        break;
      }
      default:
        throw new Error(`unknown command at ${at}`);
    }
  }
  return { allocated, rsdp: file('etc/acpi/rsdp'), blob: file('etc/acpi/tables') };
}

test('the RSDP goes to the F segment, the tables to high memory with the alignment of the FACS', () => {
  expect(runScript(0x7f000000).allocated).toEqual([
    ['etc/acpi/rsdp', 16, 2],
    ['etc/acpi/tables', 64, 1],
  ]);
});

test('firmware that follows the script gets what placing the tables itself gives', () => {
  const base = 0x7f000000;
  const { rsdp, blob } = runScript(base);
  const placed = placeTables(
    tables.filter((table) => table.signature !== 'RSDP'),
    base,
    0x80000000,
  );
  for (const { what, address, bytes } of placed) {
    expect([what, blob.subarray(address - base, address - base + bytes.length)]).toEqual([what, Buffer.from(bytes)]);
  }
  expect(rsdp.readUInt32LE(16)).toBe(placed.find(({ what }) => what === 'ACPI RSDT')?.address);
  expect([byteSum(rsdp.subarray(0, 20)), byteSum(rsdp)]).toEqual([0, 0]);
});
