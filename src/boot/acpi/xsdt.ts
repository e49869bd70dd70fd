// SPDX-License-Identifier: BSD-2-Clause
/** The root tables: RSDT with 32-bit pointers for old guests, XSDT with 64-bit ones. Reference: ACPI 6.5, 5.2.7 and 5.2.8. */
import { type AcpiTable, acpiTable, HEADER_SIZE, headedTable } from './table.js';

export function rsdt(tables: readonly string[]): AcpiTable {
  return rootTable('RSDT', 4, tables);
}

export function xsdt(tables: readonly string[]): AcpiTable {
  return rootTable('XSDT', 8, tables);
}

function rootTable(signature: string, size: 4 | 8, tables: readonly string[]): AcpiTable {
  const pointers = tables.map((to, index) => ({ at: HEADER_SIZE + index * size, size, to }));
  return acpiTable(signature, headedTable(signature, 1, HEADER_SIZE + tables.length * size), pointers);
}
