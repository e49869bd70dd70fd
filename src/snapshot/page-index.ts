// SPDX-License-Identifier: BSD-2-Clause
/** `index.cbor`: which pages of memory the RAM file has. One bit a page, through all segments in their order. */
import { decode, encode, isMap } from '../core/cbor.js';
import { got } from '../core/state-error.js';
import { PAGE_SIZE } from '../hypervisor/hypervisor.js';
import { refusing, SnapshotError } from './snapshot-error.js';

/** Two sets of pages for half a TiB of memory. */
export const INDEX_MAX = 32 * 1024 * 1024;

export interface PageIndex {
  /** Pages that this snapshot speaks about; null: all. The others are those of its parent. */
  readonly present: Uint8Array | null;
  /** Those among them that are in the file; the others are zero. */
  readonly stored: Uint8Array;
}

export function pageCount(segments: readonly number[]): number {
  return segments.reduce((total, bytes) => total + bytes / PAGE_SIZE, 0);
}

export function encodeIndex({ present, stored }: PageIndex): Uint8Array {
  return encode({ present, stored });
}

export function decodeIndex(bytes: Uint8Array, pages: number, path: string): PageIndex {
  const document = refusing(path, () => decode(bytes, { bytes: INDEX_MAX, depth: 1, items: 5 }));
  if (!isMap(document)) throw new SnapshotError(path, `expected a map, got ${got(document)}`);
  const { present, stored, ...others } = document;
  for (const name of Object.keys(others)) throw new SnapshotError(`${path}: ${name}`, 'unknown part of an index');
  const storedPages = pageSet(stored, pages, `${path}: stored`);
  if (present === null) return { present, stored: storedPages };
  const presentPages = pageSet(present, pages, `${path}: present`);
  for (const [at, byte] of storedPages.entries()) {
    if ((byte & ~(presentPages[at] ?? 0)) !== 0)
      throw new SnapshotError(`${path}: stored`, 'has pages that are not present');
  }
  return { present: presentPages, stored: storedPages };
}

export function hasPage(set: Uint8Array, page: number): boolean {
  return (((set[page >>> 3] ?? 0) >>> (page & 7)) & 1) === 1;
}

export function countPages(set: Uint8Array): number {
  let total = 0;
  for (let byte of set) for (; byte !== 0; byte &= byte - 1) total += 1;
  return total;
}

function pageSet(value: unknown, pages: number, path: string): Uint8Array {
  const length = Math.ceil(pages / 8);
  if (!(value instanceof Uint8Array) || value.length !== length) {
    throw new SnapshotError(path, `expected ${length} bytes, got ${got(value)}`);
  }
  const beyond = pages % 8 === 0 ? 0 : (value[length - 1] ?? 0) >>> (pages % 8);
  if (beyond !== 0) throw new SnapshotError(path, 'has pages beyond the end of memory');
  return value;
}
