// SPDX-License-Identifier: BSD-2-Clause
/** The table of `tsbhyve snapshot ls`. */
import type { StoreEntry } from '../snapshot/store.js';
import { roleOf } from '../snapshot/suspend-use.js';
import { sizeText } from './sizes.js';

const NANOSECONDS_A_MS = 1_000_000n;
const HEAD = ['NAME', 'KIND', 'VM', 'MEMORY', 'STORED', 'CREATED', 'PARENT'] as const;

export function listText(entries: readonly StoreEntry[]): string {
  const names = new Map(
    entries.flatMap((entry) => ('snapshot' in entry ? [[entry.snapshot.manifest.id, entry.name] as const] : [])),
  );
  const rows = [[...HEAD], ...entries.map((entry) => rowOf(entry, names))];
  const widths = HEAD.map((_, column) =>
    Math.max(...rows.map((row) => (row.length > 2 ? (row[column]?.length ?? 0) : 0))),
  );
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** `names` of snapshots by their id. */
function rowOf(entry: StoreEntry, names: ReadonlyMap<string, string>): string[] {
  if ('problem' in entry) return [entry.name, `broken: ${entry.problem.message}`];
  const { machine, ram, clock, parent } = entry.snapshot.manifest;
  const stored = sizeText(ram.stored);
  const parentName = parent === null ? '' : (names.get(parent.id) ?? `missing: ${parent.id}`);
  return [
    entry.name,
    roleOf(entry.snapshot),
    machine.name,
    sizeText(machine.memory),
    stored,
    dateText(clock.wall),
    parentName,
  ];
}

/** The manifest may be a stranger's, with any number in it. */
function dateText(nanoseconds: bigint): string {
  const date = new Date(Number(nanoseconds / NANOSECONDS_A_MS));
  return Number.isNaN(date.getTime()) ? '?' : date.toISOString().replace(/\.\d+Z$/, 'Z');
}
