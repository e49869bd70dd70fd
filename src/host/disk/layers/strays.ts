// SPDX-License-Identifier: BSD-2-Clause
/** What restores have set aside, clones that have ended, and pins whose snapshot is gone: back, or away. */

import { closeSync, existsSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { lockFile } from '../../../hypervisor/ram-files.js';
import { syncFolder } from '../../durable-files.js';
import { newId } from '../../new-id.js';
import type { Stray } from './api.js';
import { clean } from './clean.js';
import { LayerFolder } from './folder.js';
import { openLayered } from './open-disk.js';
import { readPins, removePin } from './pins.js';

/** The beginning of an id is enough. */
const SHORTEST = 4;

/** The disk goes on from a stray; what it held becomes one in turn, which is answered. */
export function recallStray(path: string, id: string): Stray | null {
  const folder = new LayerFolder(path);
  const stray = findStray(folder, id);
  if (stray === null) throw folder.error(`nothing that was set aside is called '${id}'; tsbhyve disk info lists it`);
  const disk = openLayered(path, { readOnly: false, at: stray.point });
  try {
    const other = disk.adopt();
    folder.update(null, (head) => {
      if (head === null) throw folder.error('its HEAD is gone');
      return { ...head, strays: head.strays.filter((each) => each.id !== stray.id) };
    });
    return other;
  } finally {
    disk.close();
  }
}

/** Removes a stray, a clone, or what a missing snapshot kept or claimed; answers what it was. */
export function dropFrom(path: string, name: string): string {
  const folder = new LayerFolder(path);
  const dropped = folder.exists() ? folder.exclusively(() => drop(folder, name)) : null;
  if (dropped === null) {
    throw folder.error(`nothing that can be dropped is called '${name}'; tsbhyve disk info lists it`);
  }
  clean(folder);
  return dropped;
}

function drop(folder: LayerFolder, name: string): string | null {
  const stray = findStray(folder, name);
  if (stray !== null) {
    folder.update(null, (head) => {
      if (head === null) throw folder.error('its HEAD is gone');
      return { ...head, strays: head.strays.filter(({ id }) => id !== stray.id) };
    });
    return `what was set aside as ${stray.id}`;
  }
  if (folder.lines().includes(name)) return dropClone(folder, name);
  const pin = readPins(folder).find((candidate) => candidate.id === name || basename(candidate.path) === name);
  if (pin === undefined) return dropOwner(folder, name);
  if (existsSync(pin.path)) {
    throw folder.error(`${name} is a snapshot that is there: tsbhyve snapshot rm ${basename(pin.path)}`);
  }
  removePin(folder, pin.id);
  return `what the snapshot ${basename(pin.path)} needed`;
}

/** A suspend that is lost waits for ever. */
function dropOwner(folder: LayerFolder, name: string): string | null {
  for (const line of folder.lines()) {
    const head = folder.readHead(line);
    const owner = head?.owner ?? null;
    if (head === null || owner === null || (owner.id !== name && basename(owner.path) !== name)) continue;
    if (existsSync(owner.path)) throw folder.error(`${name} is there: tsbhyve snapshot rm ${name}`);
    folder.update(line, () => ({ ...head, owner: null }));
    return `the claim of the suspend ${basename(owner.path)}`;
  }
  return null;
}

function dropClone(folder: LayerFolder, line: string): string {
  const lock = folder.openLineLock(line);
  try {
    if (lock === null || !lockFile(lock, 'exclusive'))
      throw folder.error(`the clone ${line} runs; that has to end first`);
    folder.attempt(() => {
      renameSync(folder.lineFolder(line), join(folder.root, `.gone-${newId()}`));
      syncFolder(join(folder.root, 'clones'));
      syncFolder(folder.root);
    });
  } finally {
    if (lock !== null) closeSync(lock);
  }
  return `the clone ${line}`;
}

export function findStray(folder: LayerFolder, prefix: string): Stray | null {
  const strays = folder.exists() ? (folder.readHead(null)?.strays ?? []) : [];
  const found = prefix.length < SHORTEST ? [] : strays.filter(({ id }) => id.startsWith(prefix));
  if (found.length > 1) throw folder.error(`'${prefix}' is the beginning of ${found.length} ids`);
  return found[0] ?? null;
}
