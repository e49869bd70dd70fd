// SPDX-License-Identifier: BSD-2-Clause
/**
 * Writes the layers into the image, which is flat then. A crash meanwhile does no harm: HEAD goes on naming the layers,
 * and what they hide of the image does not matter.
 */

import { chmodSync, closeSync, fchmodSync, fstatSync, ftruncateSync, openSync, renameSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { copyLayers } from '../../../hypervisor/layer-jobs.js';
import { lockFile } from '../../../hypervisor/ram-files.js';
import { removeTree, syncFolder } from '../../durable-files.js';
import { newId } from '../../new-id.js';
import type { DiskFollowing, LayerHandle } from './api.js';
import { clean, pointsOf } from './clean.js';
import { completed, whileUnused } from './exclusive.js';
import { closeAll, LayerFolder } from './folder.js';
import { type Head, layerName } from './head.js';
import { IMAGE } from './identity.js';
import { checkFrozen, createLocked, openShared } from './open-files.js';
import { readPins } from './pins.js';

export function commitDisk(path: string, following: DiskFollowing = {}): void {
  const folder = new LayerFolder(path);
  if (!folder.exists()) return;
  whileUnused(folder, () => {
    const head = folder.readHead(null);
    if (head !== null) {
      refuseNeeded(folder, head);
      if (head.top !== null) commit(folder, head, following);
    }
    clean(folder);
  });
  forget(folder);
}

function refuseNeeded(folder: LayerFolder, { owner, strays }: Head): void {
  if (owner !== null) {
    const name = basename(owner.path);
    throw folder.error(`it belongs to the suspend ${name}; resume that, or give it up: tsbhyve snapshot rm ${name}`);
  }
  const pins = readPins(folder).filter(({ point }) => point.base.file === IMAGE);
  if (pins.length > 0) {
    const names = pins.map((pin) => basename(pin.path));
    throw folder.error(
      `snapshots need the image as it is: ${names.join(', ')}; remove them first: tsbhyve snapshot rm`,
    );
  }
  const stray = strays.find(({ point }) => point.base.file === IMAGE);
  if (stray !== undefined) {
    throw folder.error(
      `what a restore has set aside needs the image as it is: tsbhyve disk drop ${folder.image} ${stray.id}`,
    );
  }
  for (const line of folder.lines()) {
    const clone = line === null ? null : folder.readHead(line);
    if (clone !== null && pointsOf(clone).some(({ base }) => base.file === IMAGE)) {
      throw folder.error(`the clone ${line} needs the image as it is: tsbhyve disk drop ${folder.image} ${line}`);
    }
  }
}

function commit(folder: LayerFolder, head: Head, following: DiskFollowing): void {
  const layers = openLayers(folder, head);
  try {
    if (head.base === IMAGE) writeInto(folder, head, layers, following);
    else replaceImage(folder, head, layers, following);
  } finally {
    closeAll(layers.map(({ fd }) => fd));
  }
  folder.update(null, (now) => ({
    ...(now ?? head),
    base: IMAGE,
    identity: null,
    chain: [],
    top: null,
    known: null,
    committing: false,
  }));
}

export function openLayers(folder: LayerFolder, { chain, top }: Pick<Head, 'chain' | 'top'>): LayerHandle[] {
  const names = [...chain.map(({ file }) => file), ...(top === null ? [] : [layerName(top)])];
  const opened: LayerHandle[] = [];
  try {
    for (const name of names) {
      const fd = openShared(folder, name);
      opened.push({ fd, id: Buffer.from(name.slice('layer-'.length), 'hex') });
      const frozen = chain.find(({ file }) => file === name);
      if (frozen !== undefined) checkFrozen(folder, fd, frozen);
    }
    return opened;
  } catch (error) {
    closeAll(opened.map(({ fd }) => fd));
    throw error;
  }
}

function writeInto(folder: LayerFolder, head: Head, layers: readonly LayerHandle[], following: DiskFollowing): void {
  folder.attempt(() => chmodSync(folder.image, head.mode));
  const image = folder.attempt(() => openSync(folder.image, 'r+'));
  try {
    if (!lockFile(image, 'exclusive')) throw folder.error('in use by a VM; that has to end first');
    if (head.identity !== null && !head.committing)
      checkFrozen(folder, image, { file: IMAGE, identity: head.identity });
    folder.update(null, (now) => ({ ...(now ?? head), committing: true }));
    const copy = { base: null, layers, bytes: head.bytes, target: image, targetId: null, isEmpty: false };
    completed(copyLayers(copy), following);
  } finally {
    closeSync(image);
  }
}

/** The base is a clone: what lies at the image's place is not part of this disk. */
function replaceImage(folder: LayerFolder, head: Head, layers: readonly LayerHandle[], following: DiskFollowing): void {
  const base = openShared(folder, head.base);
  const name = `base-${newId()}`;
  const target = createLocked(folder, name);
  try {
    if (head.identity !== null) checkFrozen(folder, base, { file: head.base, identity: head.identity });
    ftruncateSync(target, fstatSync(base).size);
    const copy = { base, layers, bytes: head.bytes, target, targetId: null, isEmpty: true };
    completed(copyLayers(copy), following);
    fchmodSync(target, head.mode);
    folder.attempt(() => {
      renameSync(folder.path(name), folder.image);
      syncFolder(folder.root);
      syncFolder(dirname(folder.image));
    });
  } finally {
    closeAll([base, target]);
  }
}

/** An image that nothing belongs to has no folder. */
function forget(folder: LayerFolder): void {
  const head = folder.readHead(null);
  const isNeeded = head !== null && (head.owner !== null || head.top !== null || head.strays.length > 0);
  if (isNeeded || readPins(folder).length > 0 || folder.lines().length > 1) return;
  removeTree(folder.root);
  folder.attempt(() => syncFolder(dirname(folder.image)));
}
