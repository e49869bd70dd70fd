// SPDX-License-Identifier: BSD-2-Clause
/** Gives the ACPI tables their addresses, fills in the pointers between them and then their checksums. */
import { alignUp } from '../../core/bits.js';
import { BootError } from '../boot-error.js';
import type { PlannedWrite } from '../boot-plan.js';
import { checksum, Struct } from '../struct.js';
import { dsdt } from './dsdt.js';
import { facs } from './facs.js';
import { fadt } from './fadt.js';
import { hpet } from './hpet.js';
import { madt } from './madt.js';
import { mcfg } from './mcfg.js';
import type { AcpiOptions } from './options.js';
import { rsdp } from './rsdp.js';
import type { AcpiTable } from './table.js';
import { rsdt, xsdt } from './xsdt.js';

/** All tables of a machine, RSDP first. */
export function acpiTables(options: AcpiOptions): AcpiTable[] {
  const listed = [fadt(options), madt(options), ...(options.hpet ? [hpet()] : []), mcfg()];
  const names = listed.map((table) => table.signature);
  return [rsdp(), rsdt(names), xsdt(names), ...listed, facs(), dsdt(options)];
}

export function placeTables(tables: readonly AcpiTable[], base: number, end: number): PlannedWrite[] {
  const addresses = new Map<string, number>();
  let next = base;
  for (const table of tables) {
    const address = alignUp(next, table.align);
    addresses.set(table.signature, address);
    next = address + table.bytes.length;
  }
  if (next > end) {
    throw new BootError(
      'ACPI tables',
      `they take ${next - base} bytes, at most ${end - base} fit; use fewer CPUs or PCI buses`,
    );
  }
  return tables.map((table) => ({
    what: `ACPI ${table.signature}`,
    address: addressOf(addresses, table.signature),
    bytes: linked(table, addresses),
  }));
}

function linked(table: AcpiTable, addresses: ReadonlyMap<string, number>): Uint8Array {
  const result = new Struct(table.bytes.length).put(0, table.bytes);
  for (const { at, size, to } of table.pointers) {
    const address = addressOf(addresses, to);
    if (size === 4) {
      result.u32(at, address);
    } else {
      result.u64(at, address);
    }
  }
  for (const { at, length } of table.checksums) {
    result.u8(at, checksum(result.bytes.subarray(0, length)));
  }
  return result.bytes;
}

function addressOf(addresses: ReadonlyMap<string, number>, signature: string): number {
  const address = addresses.get(signature);
  if (address === undefined) {
    throw new BootError('ACPI tables', `a table points to ${signature}, which is not among them`);
  }
  return address;
}
