// SPDX-License-Identifier: BSD-2-Clause
/** Firmware ACPI Control Structure: no waking vector is used, since only S5 exists. Reference: ACPI 6.5, 5.2.10. */
import { Struct } from '../struct.js';
import type { AcpiTable } from './table.js';

const SIZE = 64;

export function facs(): AcpiTable {
  const { bytes } = new Struct(SIZE).ascii(0, 'FACS', 4).u32(4, SIZE).u8(32, 2);
  return { signature: 'FACS', bytes, align: 64, pointers: [], checksums: [] };
}
