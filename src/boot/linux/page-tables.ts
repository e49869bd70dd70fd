// SPDX-License-Identifier: BSD-2-Clause
/**
 * Identity page tables for the first 4 GiB in 2 MiB pages, as the 64-bit boot protocol asks for.
 * Reference: Intel SDM vol. 3, 4.5. 1 GiB pages would be smaller but not every CPU model has them.
 */
import { Struct } from '../struct.js';

const PAGE = 4096;
const LARGE_PAGE = 0x200000;
const MAPPED_GIB = 4;
const PRESENT_WRITABLE = 0x03;
const PAGE_SIZE_BIT = 0x80;

export function identityPageTables(base: number): Uint8Array {
  const tables = new Struct((2 + MAPPED_GIB) * PAGE).u64(0, (base + PAGE) | PRESENT_WRITABLE);
  for (let gib = 0; gib < MAPPED_GIB; gib++) {
    tables.u64(PAGE + gib * 8, (base + (2 + gib) * PAGE) | PRESENT_WRITABLE);
  }
  for (let page = 0; page < MAPPED_GIB * 512; page++) {
    tables.u64(2 * PAGE + page * 8, page * LARGE_PAGE + (PRESENT_WRITABLE | PAGE_SIZE_BIT));
  }
  return tables.bytes;
}
