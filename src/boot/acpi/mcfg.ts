// SPDX-License-Identifier: BSD-2-Clause
/** Memory-mapped PCI configuration space, all 256 buses of segment 0. Reference: PCI Firmware Specification 3.2, 4.1.2. */
import { PCI_ECAM } from '../memory-map.js';
import { type AcpiTable, acpiTable, headedTable } from './table.js';

export function mcfg(): AcpiTable {
  return acpiTable('MCFG', headedTable('MCFG', 1, 60).u64(44, PCI_ECAM.base).u16(52, 0).u8(54, 0).u8(55, 255));
}
