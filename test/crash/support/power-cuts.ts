// SPDX-License-Identifier: BSD-2-Clause
/** All the states of a folder that a power cut can leave, at every point of a log. */
import { createHash } from 'node:crypto';
import { Disk, type Edit, edited, type Fate, type Tree, type TreeFile } from './disk.js';
import type { Change } from './store-log.js';

export interface PowerCut {
  readonly tree: Tree;
  /** The changes that were made before it. */
  readonly made: readonly Change[];
  /** For messages. */
  readonly what: string;
}

type FileFate = Fate['file'];
type Random = () => number;

/** Combinations of lost entries up to which all are tried; beyond, so many are drawn. */
const EXHAUSTIVE = 128;
const SECTORS = [512, 4096] as const;
const RUBBISH = 0xa5;
/** Names of what is not yet, or no longer, a snapshot. */
const HIDDEN = '.';

export interface CutOptions {
  readonly random: Random;
  /** How often each unsynced file is torn in another way. */
  readonly tears: number;
}

/** Every distinct state once. Nobody reads the files of an unfinished snapshot, so these count by name alone. */
export function* powerCuts(log: readonly Change[], options: CutOptions): Generator<PowerCut> {
  const disk = new Disk();
  const seen = new Set<string>();
  for (let count = 0; count <= log.length; count += 1) {
    const change = log[count - 1];
    if (change !== undefined) disk.apply(change);
    for (const [what, fate] of fates(disk, options)) {
      const tree = disk.after(fate);
      const key = keyOf(tree, marksOf(log.slice(0, count)));
      if (seen.has(key)) continue;
      seen.add(key);
      yield { tree, made: log.slice(0, count), what: `after ${count} of ${log.length} calls, ${what}` };
    }
  }
}

/** What is there if nothing is lost. */
export function wholeTree(log: readonly Change[]): Tree {
  const disk = new Disk();
  for (const change of log) disk.apply(change);
  return disk.after({ keepsEntry: () => true, file: edited });
}

export function marksOf(log: readonly Change[]): string[] {
  return log.flatMap((change) => (change.kind === 'mark' ? [change.text] : []));
}

function* fates(disk: Disk, { random, tears }: CutOptions): Generator<readonly [string, Fate]> {
  for (const [entries, keepsEntry] of entryFates(disk.pendingEntries(), random)) {
    for (const [files, file] of fileFates(random, tears)) {
      yield [`entries ${entries}, files ${files}`, { keepsEntry, file }];
    }
  }
}

function* entryFates(
  pending: ReadonlyMap<number, number>,
  random: Random,
): Generator<readonly [string, Fate['keepsEntry']]> {
  const places = [...pending].flatMap(([folder, count]) =>
    Array.from({ length: count }, (_, index) => `${folder}/${index}`),
  );
  const all = 2 ** places.length;
  const numbers =
    all <= EXHAUSTIVE
      ? Array.from({ length: all }, (_, number) => number)
      : [0, all - 1, ...Array.from({ length: EXHAUSTIVE }, () => Math.floor(random() * all))];
  for (const number of numbers) {
    const kept = new Set(places.filter((_, bit) => Math.floor(number / 2 ** bit) % 2 === 1));
    yield [`{${[...kept].join(' ')}}`, (folder, index) => kept.has(`${folder}/${index}`)];
  }
}

function fileFates(random: Random, tears: number): (readonly [string, FileFate])[] {
  return [
    ['lost', (durable) => durable],
    ['kept', edited],
    ['with their size alone', (durable, pending) => sized(durable, edited(durable, pending), 0)],
    ['with rubbish', (durable, pending) => sized(durable, edited(durable, pending), RUBBISH)],
    ...SECTORS.flatMap((sector) =>
      Array.from({ length: tears }, () => [`torn by ${sector}`, torn(sector, random)] as const),
    ),
  ];
}

function sized(durable: TreeFile, whole: TreeFile, filler: number): TreeFile {
  if (durable === whole || durable.bytes === whole.bytes) return whole;
  const bytes = Buffer.alloc(whole.bytes.length, filler);
  durable.bytes.copy(bytes);
  return { bytes, mode: whole.mode };
}

/** Any edit may be lost, and a write may lose any of its sectors; the size goes its own way. */
function torn(sector: number, random: Random): FileFate {
  return (durable, pending) => {
    if (pending.length === 0) return durable;
    const pieces = pending.flatMap((edit): readonly Edit[] =>
      'bytes' in edit ? sectors(edit.offset, edit.bytes, sector) : [edit],
    );
    const result = edited(
      durable,
      pieces.filter(() => random() < 0.6),
    );
    if (random() < 0.7) return result;
    // What was on disk stays, unless somebody made the file shorter.
    const isCut = pending.some((edit) => 'size' in edit && edit.size < durable.bytes.length);
    const least = isCut ? 0 : Math.min(durable.bytes.length, result.bytes.length);
    return edited(result, [{ size: least + Math.floor(random() * (result.bytes.length - least + 1)) }]);
  };
}

export function sectors(offset: number, bytes: Buffer, sector: number): { offset: number; bytes: Buffer }[] {
  const pieces: { offset: number; bytes: Buffer }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, (Math.floor((offset + at) / sector) + 1) * sector - offset);
    pieces.push({ offset: offset + at, bytes: bytes.subarray(at, end) });
    at = end;
  }
  return pieces;
}

const digests = new WeakMap<Buffer, string>();

function digestOf(bytes: Buffer): string {
  const known = digests.get(bytes) ?? createHash('sha1').update(bytes).digest('hex');
  digests.set(bytes, known);
  return known;
}

/** Equal for trees that nobody can tell apart. */
export function keyOf(tree: Tree, marks: readonly string[]): string {
  const lines = (folder: Tree, isListed: boolean): unknown[] =>
    [...folder]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, node]) => {
        if (node instanceof Map) return [name, lines(node, isListed || name.startsWith(HIDDEN))];
        return isListed ? [name] : [name, node.mode, digestOf(node.bytes)];
      });
  return JSON.stringify([marks, lines(tree, false)]);
}
