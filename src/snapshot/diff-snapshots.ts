// SPDX-License-Identifier: BSD-2-Clause
import type { CborValue } from '../core/cbor.js';
import { pageCount } from './page-index.js';
import { fileOffset, PageReader } from './page-reader.js';
import { changedBits } from './register-bits.js';
import { type ShownField, showContent, valueText } from './show-snapshot.js';
import { SnapshotError } from './snapshot-error.js';
import type { OpenLayer } from './snapshot-folder.js';
import type { SnapshotStore } from './store.js';

export interface FieldDifference {
  readonly path: string;
  /** Null: not there. */
  readonly before: string | null;
  readonly after: string | null;
  /** For registers that are sets of bits, as `+IF -ZF`. */
  readonly bits?: string;
}

export interface SnapshotDifference {
  readonly fields: readonly FieldDifference[];
  /** Runs of pages whose contents differ, in page numbers through all segments. */
  readonly pages: readonly { readonly first: number; readonly count: number }[];
}

export function diffSnapshots(store: SnapshotStore, before: string, after: string): SnapshotDifference {
  const [a, b] = [store.open(before), store.open(after)];
  if (String(a.manifest.ram.segments) !== String(b.manifest.ram.segments)) {
    throw new SnapshotError(after, `has other memory than ${before}`);
  }
  const fields = diffFields(showContent(a), showContent(b));
  const pages = store.withLayers(a, (older) => store.withLayers(b, (newer) => diffPages(older, newer)));
  return { fields, pages };
}

function diffFields(before: readonly ShownField[], after: readonly ShownField[]): FieldDifference[] {
  const [old, now] = [byPath(before), byPath(after)];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((path) => {
    const [was, is] = [old.get(path), now.get(path)];
    const [wasText, isText] = [was === undefined ? null : valueText(was), is === undefined ? null : valueText(is)];
    if (wasText === isText) return [];
    const bits = isNumber(was) && isNumber(is) ? changedBits(path, BigInt(was), BigInt(is)) : '';
    return [{ path, before: wasText, after: isText, ...(bits !== '' && { bits }) }];
  });
}

function diffPages(a: readonly OpenLayer[], b: readonly OpenLayer[]): { first: number; count: number }[] {
  const { segments } = a[0]?.snapshot.manifest.ram ?? { segments: [] };
  const readers = [new PageReader(a), new PageReader(b)] as const;
  const runs: { first: number; count: number }[] = [];
  for (let page = 0; page < pageCount(segments); page += 1) {
    const [left, right] = [readers[0].sourceOf(page), readers[1].sourceOf(page)];
    if (left?.snapshot.manifest.id === right?.snapshot.manifest.id) continue;
    const offset = fileOffset(segments, page);
    if (readers[0].read(left, offset).equals(readers[1].read(right, offset))) continue;
    const last = runs.at(-1);
    if (last !== undefined && last.first + last.count === page) last.count += 1;
    else runs.push({ first: page, count: 1 });
  }
  return runs;
}

function byPath(fields: readonly ShownField[]): Map<string, CborValue> {
  return new Map(fields.map(({ path, value }) => [path, value]));
}

function isNumber(value: CborValue | undefined): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}
