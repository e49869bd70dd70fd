// SPDX-License-Identifier: BSD-2-Clause
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AcpiOptions } from '../../../src/boot/acpi/options.js';
import { acpiTables, placeTables } from '../../../src/boot/acpi/place-tables.js';
import type { PlannedWrite } from '../../../src/boot/boot-plan.js';
import { ramLayout } from '../../../src/boot/memory-map.js';
import { byteSum, viewOf } from '../support/plan.js';

const GIB = 0x40000000;
const options: AcpiOptions = {
  cpus: 4,
  ram: ramLayout(6 * GIB),
  lpcSlot: 31,
  moreBuses: [],
  serialPorts: [1, 2, 3, 4],
  hpet: true,
  ps2: true,
  fwCfg: true,
  vmGenerationId: 0x12345000,
};
const place = (changes: Partial<AcpiOptions> = {}) =>
  placeTables(acpiTables({ ...options, ...changes }), 0xf2400, 0x100000);
const placed = place();

function at(address: number | bigint): PlannedWrite {
  const found = placed.find((write) => write.address === Number(address));
  if (found === undefined) {
    throw new Error(`no table at ${address.toString(16)}`);
  }
  return found;
}

test('the RSDP is first, at 0xF2400, with both checksums', () => {
  const rsdp = viewOf(at(0xf2400));
  expect(rsdp.toString('latin1', 0, 8)).toBe('RSD PTR ');
  expect(byteSum(rsdp.subarray(0, 20))).toBe(0);
  expect(byteSum(rsdp)).toBe(0);
  expect(at(rsdp.readUInt32LE(16)).what).toBe('ACPI RSDT');
  expect(at(rsdp.readBigUInt64LE(24)).what).toBe('ACPI XSDT');
});

test('RSDT and XSDT list the same tables, each with its length and checksum right', () => {
  const rsdp = viewOf(at(0xf2400));
  const rsdt = viewOf(at(rsdp.readUInt32LE(16)));
  const xsdt = viewOf(at(rsdp.readBigUInt64LE(24)));
  const count = (rsdt.length - 36) / 4;
  const narrow = Array.from({ length: count }, (_, index) => at(rsdt.readUInt32LE(36 + index * 4)).what);
  const wide = Array.from({ length: count }, (_, index) => at(xsdt.readBigUInt64LE(36 + index * 8)).what);
  expect(narrow).toEqual(['ACPI FACP', 'ACPI APIC', 'ACPI HPET', 'ACPI MCFG']);
  expect(wide).toEqual(narrow);
  for (const table of placed.filter(({ what }) => !/RSDP|FACS/.test(what))) {
    expect(viewOf(table).readUInt32LE(4)).toBe(table.bytes.length);
    expect(byteSum(table.bytes)).toBe(0);
  }
});

test('the FADT has the fixed hardware at its ports and points to FACS and DSDT', () => {
  const fadt = viewOf(placed.find(({ what }) => what === 'ACPI FACP') ?? { bytes: new Uint8Array() });
  expect(at(fadt.readUInt32LE(36)).what).toBe('ACPI FACS');
  expect(fadt.readUInt32LE(36) % 64).toBe(0);
  expect(at(fadt.readUInt32LE(40)).what).toBe('ACPI DSDT');
  expect(at(fadt.readBigUInt64LE(140)).what).toBe('ACPI DSDT');
  expect([fadt.readUInt16LE(46), fadt.readUInt32LE(48), fadt[52], fadt[53]]).toEqual([9, 0xb2, 0xa0, 0xa1]);
  const ports = [56, 64, 76, 80].map((offset) => fadt.readUInt32LE(offset));
  expect(ports).toEqual([0x400, 0x404, 0x408, 0x40c]);
  expect([...fadt.subarray(88, 93)]).toEqual([4, 2, 0, 4, 2]);
  expect([fadt.readBigUInt64LE(120), fadt[128]]).toEqual([0xcf9n, 6]);
});

test('the MADT lists every CPU, the I/O APIC, both overrides and NMI on LINT1', () => {
  const entries = (cpus: number) => {
    const table = viewOf(place({ cpus }).find(({ what }) => what === 'ACPI APIC') ?? { bytes: new Uint8Array() });
    const list: Buffer[] = [];
    for (let offset = 44; offset < table.length; offset += table[offset + 1] ?? table.length) {
      list.push(table.subarray(offset, offset + (table[offset + 1] ?? 0)));
    }
    return list;
  };
  const four = entries(4);
  expect(four.filter(([type]) => type === 0).map((entry) => entry[3])).toEqual([0, 1, 2, 3]);
  expect(four.find(([type]) => type === 1)?.readUInt32LE(4)).toBe(0xfec00000);
  const overrides = four.filter(([type]) => type === 2);
  expect(overrides.map((entry) => [entry[3], entry.readUInt32LE(4), entry.readUInt16LE(8)])).toEqual([
    [0, 2, 0],
    [9, 9, 0xf],
  ]);
  expect([...(four.find(([type]) => type === 4) ?? [])]).toEqual([4, 6, 0xff, 5, 0, 1]);

  const many = entries(300);
  expect(many.filter(([type]) => type === 0)).toHaveLength(255);
  expect(
    many
      .filter(([type]) => type === 9)
      .map((entry) => entry.readUInt32LE(4))
      .at(-1),
  ).toBe(299);
});

test('tables are 16-byte aligned and do not overlap', () => {
  for (const [index, table] of placed.entries()) {
    expect(table.address % 16).toBe(0);
    const next = placed[index + 1];
    expect(table.address + table.bytes.length).toBeLessThanOrEqual(next?.address ?? 0x100000);
  }
});

test('too many CPUs for the table area is one clear error', () => {
  expect(() => place({ cpus: 4000 })).toThrow(/ACPI tables: they take \d+ bytes, at most 56320 fit; use fewer CPUs/);
});

const iasl = spawnSync('iasl', ['-v']).error === undefined;

(iasl ? describe : describe.skip)(
  `iasl${iasl ? '' : ' (skipped: iasl, package acpica-tools, is not installed)'}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsbhyve-acpi-'));
    afterAll(() => rmSync(folder, { recursive: true }));

    function run(...args: string[]): string {
      const { stdout, stderr } = spawnSync('iasl', args, { cwd: folder, encoding: 'utf8' });
      return stdout + stderr;
    }

    function disassemble(table: PlannedWrite): string {
      const file = `${table.what.slice('ACPI '.length).toLowerCase()}.dat`;
      writeFileSync(join(folder, file), table.bytes);
      const log = run('-d', file);
      expect(log).not.toMatch(/error|warning|could not|unknown|invalid/i);
      return readFileSync(join(folder, file.replace('.dat', '.dsl')), 'utf8');
    }

    test.each(placed.filter(({ what }) => what !== 'ACPI RSDP'))('disassembles $what', (table) => {
      expect(disassemble(table)).not.toMatch(/terminates in the middle|invalid|incorrect checksum|unknown/i);
    });

    test('every bus is a root with its numbers, its windows and its routes', () => {
      const ram = ramLayout(0x10000000);
      const moreBuses = [
        { bus: 1, slots: [3] },
        { bus: 0xab, slots: [0] },
      ];
      const table = place({ ram, moreBuses }).find(({ what }) => what === 'ACPI DSDT');
      const source = table === undefined ? '' : disassemble(table);
      const roots = source.split(/(?=Device \(PC)/).slice(1);
      expect(roots.map((root) => /Device \((\w+)\)/.exec(root)?.[1])).toEqual(['PCI0', 'PC01', 'PCAB']);
      const ranges = (root: string): string[] =>
        [...root.matchAll(/0x(\w+), +\/\/ Range M(?:in|ax)imum/g)].map(([, digits]) => digits ?? '');
      expect(roots.map((root) => ranges(root).slice(0, 2))).toEqual([
        ['0000', '0000'],
        ['0001', '00AA'],
        ['00AB', '00FF'],
      ]);
      expect(ranges(roots[1] ?? '').slice(2)).toEqual([
        ...['6AA0', 'B53F', 'CAA00000', 'D53FFFFF'],
        ...['0000000AAAA00000', '0000000D553FFFFF'],
      ]);
      expect(roots[1]).toContain('Name (_BBN, One)');
      expect(roots[1]?.match(/0x0003FFFF/g)).toHaveLength(8);
      expect(roots[1]).not.toContain('0x0002FFFF');
      // Bus 1, slot 3, INTA#: link (4 + 1 + 3 + 1) mod 8 = B, pin 17.
      expect(roots[1]).toMatch(/0x0003FFFF,\s+Zero,\s+\\_SB\.LNKB,/);
      expect(roots[1]).toMatch(/0x0003FFFF,\s+Zero,\s+Zero,\s+0x11\s/);
    });

    test.each([
      ['everything', {}],
      [
        'the least machine',
        { serialPorts: [], hpet: false, ps2: false, fwCfg: false, ram: ramLayout(0x10000000), lpcSlot: 1 },
      ],
      [
        'three buses',
        {
          moreBuses: [
            { bus: 1, slots: [0, 31] },
            { bus: 0xab, slots: [3] },
          ],
        },
      ],
    ])('recompiles the DSDT of %s without a complaint', (_, changes) => {
      const dsdt = place(changes).find(({ what }) => what === 'ACPI DSDT');
      const source = dsdt === undefined ? '' : disassemble(dsdt);
      expect(source).toContain('Device (PCI0)');
      expect(run('-tc', 'dsdt.dsl')).toMatch(/0 Errors, 0 Warnings, 0 Remarks/);
    });

    test('the DSDT says what the address map says', () => {
      const dsdt = placed.find(({ what }) => what === 'ACPI DSDT');
      const source = (dsdt === undefined ? '' : disassemble(dsdt)).replace(/\s+/g, ' ');
      expect(source).toMatch(/Name \(_S5, Package \(0x02\) .*?{ 0x05, Zero }/);
      expect(source).toMatch(/DWordMemory \([^)]*?0xC0000000, \/\/ Range Minimum 0xDFFFFFFF,/);
      expect(source).toMatch(/QWordMemory \([^)]*?0x0000000800000000, \/\/ Range Minimum 0x0000000FFFFFFFFF,/);
      expect(source).toMatch(/Name \(_ADR, 0x001F0000\)/);
      expect(source).toMatch(
        /Method \(_OSC, 4, Serialized\).*?ToUUID \("33db4d5b-1ff7-401c-9657-7441c03dd766"\).*?CDW3 & 0x1C/,
      );
      expect(source.match(/EisaId \("PNP0501"\)/g)).toHaveLength(4);
      expect(source).toContain('Package (0x04) { 0x0003FFFF, Zero, Zero, 0x10 }'); // slot 3 INTA: link (4+3+1)%8, GSI 16
      expect(source).toContain('Package (0x04) { 0x0003FFFF, Zero, \\_SB.LNKA, Zero }');
    });
  },
);
