// SPDX-License-Identifier: BSD-2-Clause
/** HEAD goes on from a frozen point. What it held before is kept unless somebody else keeps it. */

import { linkSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { removeTree, syncFolder, withFile } from '../../durable-files.js';
import { newId } from '../../new-id.js';
import type { FrozenFile, FrozenPoint, Stray } from './api.js';
import { pointsOf } from './clean.js';
import type { LayerFolder } from './folder.js';
import { flatHead, type Head, layerName } from './head.js';
import { difference, IMAGE, identityOf, samePoint } from './identity.js';
import { dataOffset } from './layer-file.js';
import { freezeFile, type Pending } from './open-files.js';
import { readPins } from './pins.js';

const HEADER_BYTES = 4096;

export function adoptPoint(
  folder: LayerFolder,
  line: string | null,
  { point, clone, top }: Pending,
  image: number,
  bytes: number,
): { stray: Stray | null } {
  return folder.exclusively(() => {
    const old = folder.readHead(line) ?? (line === null ? flatHead(bytes, 0o600) : null);
    const lost = old === null ? null : lostPoint(folder, line, old, point, image, clone !== null);
    const stray = lost === null ? null : { id: newId(), since: Date.now(), point: lost };
    const base = { ...(old ?? flatHead(bytes, 0o600)), bytes };
    const strays = stray === null ? base.strays : [...base.strays, copied(stray)];
    if (clone !== null) {
      // First the record of what is set aside, then the image: in between both are there. `known` counts once the clone is the image.
      const known = { file: point.base.file, identity: identityAt(folder, clone) };
      folder.update(line, () => ({ ...base, strays, known }));
      replaceImage(folder, clone, () => {
        if (lost !== null) freezeFile(folder, lost.base.file);
      });
      // Only now: a journal that owns it takes a disk without an owner for one that has gone over.
      if (base.owner !== null) folder.update(line, () => ({ ...base, strays, known, owner: null }));
    } else {
      folder.update(line, () => ({
        ...base,
        base: point.base.file,
        identity: point.base.identity,
        chain: [...point.layers],
        top,
        owner: null,
        strays,
        known: null,
        committing: false,
      }));
    }
    return { stray };
  });
}

/** Puts a clone in the place of the image, durably, with `rest` done. When this throws, the old image is there again. */
function replaceImage(folder: LayerFolder, clone: string, rest: () => void): void {
  const old = folder.path('.new-old-image');
  folder.attempt(() => {
    rmSync(old, { force: true }); // of somebody who was killed
    linkSync(folder.image, old);
    try {
      renameSync(folder.path(clone), folder.image);
      syncFolder(folder.root);
      syncFolder(dirname(folder.image));
      rest();
    } catch (error) {
      renameSync(old, folder.image);
      throw error;
    }
    removeTree(old); // the new one counts: a failure here must not say otherwise
  });
}

/** What would be lost, frozen now; null if it is kept anyway. */
function lostPoint(
  folder: LayerFolder,
  line: string | null,
  head: Head,
  next: FrozenPoint,
  image: number,
  isReplaced: boolean,
): FrozenPoint | null {
  if (head.top === null) return lostImage(folder, head, next, image, isReplaced);
  if (head.identity === null) return null;
  const below = { base: { file: head.base, identity: head.identity }, layers: head.chain };
  const topName = layerName(head.top);
  if (isEmpty(folder, topName, head.bytes)) {
    const kept = [next, ...readPins(folder).map(({ point }) => point), ...otherPoints(folder, line, head)];
    return kept.some((point) => samePoint(point, below)) ? null : below;
  }
  freezeFile(folder, topName);
  return { ...below, layers: [...head.chain, { file: topName, identity: identityAt(folder, topName) }] };
}

function otherPoints(folder: LayerFolder, line: string | null, head: Head): FrozenPoint[] {
  const others = folder.lines().filter((other) => other !== line);
  return [
    ...head.strays.map(({ point }) => point),
    ...others.flatMap((other) => {
      const found = folder.readHead(other);
      return found === null ? [] : pointsOf(found);
    }),
  ];
}

/** An image that is going to be replaced gets a second name; one that goes below layers is frozen where it is. */
function lostImage(
  folder: LayerFolder,
  { known }: Head,
  next: FrozenPoint,
  image: number,
  isReplaced: boolean,
): FrozenPoint | null {
  const identity = identityOf(image);
  if (known !== null && difference(identity, known.identity) === null && isThere(folder, known)) return null;
  if (next.base.file === IMAGE && next.layers.length === 0 && difference(identity, next.base.identity) === null) {
    return null;
  }
  const file = isReplaced ? `base-${newId()}` : IMAGE;
  if (isReplaced) {
    folder.attempt(() => {
      linkSync(folder.image, folder.path(file));
      syncFolder(folder.root);
    });
  } else {
    freezeFile(folder, file);
  }
  return { base: { file, identity: identityAt(folder, file) }, layers: [] };
}

function isThere(folder: LayerFolder, { file, identity }: FrozenFile): boolean {
  return folder.entries().includes(file) && identityAt(folder, file).bytes === identity.bytes;
}

function identityAt(folder: LayerFolder, file: string): FrozenFile['identity'] {
  return identityOf(folder.attempt(() => statSync(folder.path(file), { bigint: true })));
}

/** A layer that has no block holds nothing to lose. */
export function isEmpty(folder: LayerFolder, file: string, diskBytes: number): boolean {
  return withFile(openSync(folder.path(file), 'r'), (fd) => {
    const bitmap = Buffer.alloc(dataOffset(diskBytes) - HEADER_BYTES);
    const count = readSync(fd, bitmap, 0, bitmap.length, HEADER_BYTES);
    return count === bitmap.length && bitmap.every((byte) => byte === 0);
  });
}

function copied({ id, since, point }: Stray): Head['strays'][number] {
  return { id, since, point: { base: point.base, layers: [...point.layers] } };
}
