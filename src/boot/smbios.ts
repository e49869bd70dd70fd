// SPDX-License-Identifier: BSD-2-Clause
/**
 * SMBIOS tables with a 32-bit and a 64-bit entry point over the same structures.
 * Reference: DMTF DSP0134 3.0, sections 5.2 (entry points) and 7 (structures).
 */
import { BootError } from './boot-error.js';
import type { PlannedWrite } from './boot-plan.js';
import { ACPI_BASE, SMBIOS_BASE } from './memory-map.js';
import { type SmbiosOptions, smbiosStructures } from './smbios-structures.js';
import { checksum, joinBytes, Struct } from './struct.js';

const ENTRY_32_SIZE = 0x1f;
const INTERMEDIATE_AT = 0x10;
const INTERMEDIATE_SIZE = 0x0f;
const ENTRY_64_AT = 0x20;
const ENTRY_64_SIZE = 0x18;
const STRUCTURES_AT = 0x40;

export function smbiosTables(options: SmbiosOptions): PlannedWrite[] {
  const structures = smbiosStructures(options);
  const table = joinBytes(...structures);
  const address = SMBIOS_BASE + STRUCTURES_AT;
  if (address + table.length > ACPI_BASE) {
    throw new BootError(
      'SMBIOS',
      `the tables take ${table.length} bytes, ${ACPI_BASE - address} fit; shorten the strings`,
    );
  }
  const largest = Math.max(...structures.map((structure) => structure.length));
  const bytes = new Struct(STRUCTURES_AT + table.length)
    .put(0, entry32(address, table.length, structures.length, largest))
    .put(ENTRY_64_AT, entry64(address, table.length))
    .put(STRUCTURES_AT, table).bytes;
  return [{ what: 'SMBIOS', address: SMBIOS_BASE, bytes }];
}

/** 5.2.1: the intermediate part has a checksum of its own, which the outer one covers. */
function entry32(address: number, length: number, count: number, largest: number): Uint8Array {
  const entry = new Struct(ENTRY_32_SIZE)
    .ascii(0, '_SM_', 4)
    .u8(5, ENTRY_32_SIZE)
    .u8(6, 2) // version 2.8
    .u8(7, 8)
    .u16(8, largest)
    .ascii(INTERMEDIATE_AT, '_DMI_', 5)
    .u16(0x16, length)
    .u32(0x18, address)
    .u16(0x1c, count)
    .u8(0x1e, 0x28);
  entry.u8(0x15, checksum(entry.bytes.subarray(INTERMEDIATE_AT, INTERMEDIATE_AT + INTERMEDIATE_SIZE)));
  return entry.u8(4, checksum(entry.bytes)).bytes;
}

function entry64(address: number, length: number): Uint8Array {
  const entry = new Struct(ENTRY_64_SIZE)
    .ascii(0, '_SM3_', 5)
    .u8(6, ENTRY_64_SIZE)
    .u8(7, 3) // version 3.0, docrev 0
    .u8(10, 1)
    .u32(12, length)
    .u64(16, address);
  return entry.u8(5, checksum(entry.bytes)).bytes;
}
