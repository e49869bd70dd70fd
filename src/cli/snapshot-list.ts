// SPDX-License-Identifier: BSD-2-Clause
/** The table of `tsbhyve snapshot ls`. */
import type { StoreEntry } from '../snapshot/store.js';
import { sizeText } from './sizes.js';

const HEAD = ['NAME', 'KIND', 'VM', 'MEMORY', 'STORED', 'CREATED', 'PARENT'] as const;

export function listText(entries: readonly StoreEntry[]): string {
  const rows = [[...HEAD], ...entries.map(rowOf)];
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

function rowOf(entry: StoreEntry): string[] {
  if ('problem' in entry) return [entry.name, `broken: ${entry.problem.message}`];
  const { kind, machine, ram, created, parent } = entry.snapshot.manifest;
  const stored = sizeText(ram.stored);
  return [entry.name, kind, machine.name, sizeText(machine.memory), stored, dateText(created), parent?.id ?? ''];
}

/** The manifest may be a stranger's, with any number in it. */
function dateText(seconds: bigint): string {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? '?' : date.toISOString().replace(/\.\d+Z$/, 'Z');
}
