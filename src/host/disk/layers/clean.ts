// SPDX-License-Identifier: BSD-2-Clause
/** Removes what nothing needs any more: no HEAD, no pin, and nobody who has it open. */
import { closeSync, constants, openSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { lockFile } from '../../../hypervisor/ram-files.js';
import { removeTree, syncFolder } from '../../durable-files.js';
import { ignoringFailure } from '../../ignoring-failure.js';
import type { FrozenPoint } from './api.js';
import type { LayerFolder } from './folder.js';
import { type Head, layerName } from './head.js';
import { filesOf, IMAGE } from './identity.js';
import { readPins, settlePins } from './pins.js';

const DATA = /^(base|layer)-[0-9a-f]{32}$/;
const DIGEST = /^digest-(.*)$/;

/** Every point that a HEAD goes on from or keeps. */
export function pointsOf(head: Head): FrozenPoint[] {
  const { base, identity, chain, strays } = head;
  const own = identity === null ? [] : [{ base: { file: base, identity }, layers: chain }];
  return [...own, ...strays.map(({ point }) => point)];
}

/** The names of all files that somebody needs. Throws if a HEAD or a pin cannot be read: then all may be needed. */
export function neededFiles(folder: LayerFolder): Set<string> {
  const heads = folder.lines().flatMap((line) => folder.readHead(line) ?? []);
  const points = [...heads.flatMap(pointsOf), ...readPins(folder).map(({ point }) => point)];
  const needed = new Set(points.flatMap((point) => filesOf(point).map(({ file }) => file)));
  for (const { top } of heads) if (top !== null) needed.add(layerName(top));
  return needed;
}

/** What interrupted work has left goes too. */
export function clean(folder: LayerFolder): void {
  const gone = folder.exclusively(() => {
    settlePins(folder);
    forgetTwins(folder);
    const needed = neededFiles(folder);
    // Files that are being replaced have such names only while the folder is held; and a spare HEAD, which may go.
    for (const name of folder.entries()) if (name.startsWith('.new-')) removeTree(join(folder.root, name));
    const left = folder.entries().filter((name) => name.startsWith('.gone-'));
    const unneeded = folder.entries().filter((name) => DATA.test(name) && !needed.has(name));
    const freed = unneeded.filter((name) => isFree(join(folder.root, name)));
    const digests = folder.entries().filter((name) => isStale(name, new Set(folder.entries()), new Set(freed)));
    for (const name of [...freed, ...digests]) renameSync(join(folder.root, name), join(folder.root, `.gone-${name}`));
    if (freed.length + digests.length > 0) syncFolder(folder.root);
    return [...left, ...[...freed, ...digests].map((name) => `.gone-${name}`)];
  });
  // Large files take their time, for which nobody has to wait.
  for (const name of gone) removeTree(join(folder.root, name));
}

/** After a change that counts already: what cannot be removed now is by the next opening, and is no failure of the change. */
export function tidy(folder: LayerFolder): void {
  ignoringFailure(() => clean(folder));
}

/** A restore that was interrupted has given the image a second name, and not replaced it: nothing was set aside. */
function forgetTwins(folder: LayerFolder): void {
  const head = folder.readHead(null);
  const image = statSync(folder.image, { throwIfNoEntry: false })?.ino;
  const isTwin = ({ point }: Head['strays'][number]): boolean =>
    point.base.file !== IMAGE && statSync(folder.path(point.base.file), { throwIfNoEntry: false })?.ino === image;
  if (head === null || !head.strays.some(isTwin)) return;
  folder.update(null, () => ({ ...head, strays: head.strays.filter((stray) => !isTwin(stray)) }));
}

function isStale(name: string, present: ReadonlySet<string>, freed: ReadonlySet<string>): boolean {
  const [, file] = DIGEST.exec(name) ?? [];
  return file !== undefined && DATA.test(file) && (!present.has(file) || freed.has(file));
}

/** Whoever has a layer open, to read it or to put it to use soon, has it locked. */
function isFree(path: string): boolean {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      return lockFile(fd, 'exclusive');
    } finally {
      closeSync(fd);
    }
  } catch {
    return false; // what cannot be looked at stays
  }
}
