// SPDX-License-Identifier: BSD-2-Clause
/**
 * Entries of folders that guests are reading, so that the host is not asked for all of them each time. Nothing here is
 * state: offsets follow from names, and a list that is not here is made again.
 */
import { refuse } from './ninep-error.js';

const MOST_LISTS = 4;
/** A qid, the offset, the type and the length of the name, as in hostfs/listing.cc. */
const OFFSET_AT = 13;
const LENGTH_AT = 22;
const ENTRY_HEADER = 24;

interface Listing {
  readonly entries: Uint8Array;
  /** Where the last read ended. */
  offset: bigint;
  at: number;
}

export class Listings {
  /** By fid, the one that was used last at the end. */
  private readonly lists = new Map<number, Listing>();

  clear(): void {
    this.lists.clear();
  }

  forget(fid: number): void {
    this.lists.delete(fid);
  }

  /** Whole entries of at most `count` bytes, from the first with a larger offset on. */
  read(fid: number, offset: bigint, count: number, list: () => Uint8Array): Uint8Array {
    const listing = (offset === 0n ? undefined : this.lists.get(fid)) ?? { entries: list(), offset: 0n, at: 0 };
    this.lists.delete(fid);
    this.lists.set(fid, listing);
    for (const oldest of this.lists.keys()) {
      if (this.lists.size <= MOST_LISTS) break;
      this.lists.delete(oldest);
    }
    return part(listing, offset, count);
  }
}

function part(listing: Listing, offset: bigint, count: number): Uint8Array {
  const { entries } = listing;
  const view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
  const offsetAt = (at: number): bigint => view.getBigUint64(at + OFFSET_AT, true);
  const after = (at: number): number => at + ENTRY_HEADER + view.getUint16(at + LENGTH_AT, true);
  let start = listing.offset === offset ? listing.at : 0;
  while (start < entries.length && offsetAt(start) <= offset) start = after(start);
  let end = start;
  while (end < entries.length && after(end) - start <= count) {
    listing.offset = offsetAt(end);
    end = after(end);
    listing.at = end;
  }
  // An empty answer would mean that there are no more.
  if (end === start && start < entries.length) refuse('EINVAL');
  return entries.subarray(start, end);
}
