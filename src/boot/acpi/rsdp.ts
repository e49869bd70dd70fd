// SPDX-License-Identifier: BSD-2-Clause
/** Root System Description Pointer. Reference: ACPI 6.5, 5.2.5.3. */
import { Struct } from '../struct.js';
import { type AcpiTable, OEM_ID } from './table.js';

const SIZE = 36;
const ACPI_1_SIZE = 20;

export function rsdp(): AcpiTable {
  const { bytes } = new Struct(SIZE).ascii(0, 'RSD PTR ', 8).ascii(9, OEM_ID, 6).u8(15, 2).u32(20, SIZE);
  return {
    signature: 'RSDP',
    bytes,
    align: 16,
    pointers: [
      { at: 16, size: 4, to: 'RSDT' },
      { at: 24, size: 8, to: 'XSDT' },
    ],
    // The extended checksum covers the first one, so it comes second.
    checksums: [
      { at: 8, length: ACPI_1_SIZE },
      { at: 32, length: SIZE },
    ],
  };
}
