// SPDX-License-Identifier: BSD-2-Clause
/** HPET description table. Reference: IA-PC HPET Specification 1.0a, 3.2.4; the block's identity is bhyve's. */
import { HPET_BASE } from '../memory-map.js';
import { type AcpiTable, acpiTable, headedTable } from './table.js';

const SIZE = 56;
// Vendor 0x8086, 8 comparators, 32-bit counter, no legacy replacement routing, revision 1.
const EVENT_TIMER_BLOCK_ID = 0x80860701;

export function hpet(): AcpiTable {
  const table = headedTable('HPET', 1, SIZE)
    .u32(36, EVENT_TIMER_BLOCK_ID)
    .u8(40, 0) // system memory
    .u64(44, HPET_BASE);
  return acpiTable('HPET', table);
}
