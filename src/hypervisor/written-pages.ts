// SPDX-License-Identifier: BSD-2-Clause
/** Which of the stores of devices the engine hears of. native/engine/guest_ram.h. */
import type { MemorySegment } from '../core/memory-segment.js';

const PAGE = 4096;

export type Written = (address: number, length: number) => void;

/**
 * Most pages have no code and have been logged since the log was taken: a look at what the engine wants to know of them is
 * cheaper than a call into it. `attentions` has a byte a page, in the order of `segments`; without it all stores are told.
 */
export function tellOfWrites(
  segments: readonly MemorySegment[],
  attentions: Uint8Array | null,
  tell: Written,
): Written {
  if (attentions === null) return tell;
  let pages = 0;
  const rows = segments.map(({ base, bytes }) => {
    const firstPage = pages;
    pages += bytes.length / PAGE;
    return { base, end: base + bytes.length, firstPage };
  });
  return (address, length) => {
    const end = address + length;
    for (const row of rows) {
      if (address < row.base || end > row.end || length === 0) continue;
      const last = row.firstPage + Math.floor((end - 1 - row.base) / PAGE);
      let page = row.firstPage + Math.floor((address - row.base) / PAGE);
      while (page <= last && attentions[page] === 0) page += 1;
      if (page > last) return;
    }
    tell(address, length);
  };
}
