// SPDX-License-Identifier: BSD-2-Clause
/** `pins/<snapshot id>`: frozen points that snapshots need. Changed only while the folder is held (`exclusively`). */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from '../../../core/json-fields.js';
import { bool, type StateOf, u32 } from '../../../core/state-fields.js';
import { StateShape } from '../../../core/state-shape.js';
import { makeFolders, syncFolder } from '../../durable-files.js';
import { hasEnded, thisProcess } from '../../process-life.js';
import type { DiskOwner, DiskPin, FrozenPoint } from './api.js';
import type { LayerFolder } from './folder.js';
import { PATH_MAX } from './head.js';
import { frozenPoint, ownerId } from './identity.js';
import { encodeSealed, readSealed } from './sealed.js';

const PIN = /^[0-9a-f]{32}$/;

const fields = {
  id: ownerId,
  path: text({ max: PATH_MAX, doc: "the snapshot's folder" }),
  point: frozenPoint,
  confirmed: bool({ doc: 'the snapshot was there' }),
  pid: u32({ doc: 'the process that makes it' }),
  start: text({ max: 20, doc: 'when that was started' }),
};

type StoredPin = StateOf<typeof fields>;

export const pinShape = new StateShape('disk-pin', 1, fields, { doc: 'What a snapshot needs of a disk' });

export function readPins(folder: LayerFolder): DiskPin[] {
  return readAll(folder);
}

export function readPin(folder: LayerFolder, id: string): DiskPin | null {
  return PIN.test(id) ? readSealed(pinShape, pinPath(folder, id)) : null;
}

export function writePin(folder: LayerFolder, owner: DiskOwner, point: FrozenPoint, confirmed: boolean): void {
  const { pid, start } = thisProcess();
  folder.attempt(() => makeFolders(join(folder.root, 'pins'), 0o700));
  // A copy, because the arrays of a point are read-only and those of a state are not.
  const copy = { base: point.base, layers: [...point.layers] };
  folder.replace(
    pinPath(folder, owner.id),
    encodeSealed(pinShape, { id: owner.id, path: owner.path, point: copy, confirmed, pid, start }),
  );
}

export function removePin(folder: LayerFolder, id: string): void {
  if (!PIN.test(id) || !existsSync(pinPath(folder, id))) return;
  folder.attempt(() => {
    rmSync(pinPath(folder, id));
    syncFolder(join(folder.root, 'pins'));
  });
}

/** Of processes that ended while they made a snapshot: it is there, or it never will be. */
export function settlePins(folder: LayerFolder): void {
  for (const pin of readAll(folder)) {
    if (pin.confirmed || !hasEnded(pin)) continue;
    if (existsSync(pin.path)) writePin(folder, pin, pin.point, true);
    else removePin(folder, pin.id);
  }
}

function readAll(folder: LayerFolder): StoredPin[] {
  const pins = join(folder.root, 'pins');
  const names = existsSync(pins) ? folder.attempt(() => readdirSync(pins)) : [];
  return names
    .filter((name) => PIN.test(name))
    .sort()
    .flatMap((name) => readSealed(pinShape, join(pins, name)) ?? []);
}

function pinPath(folder: LayerFolder, id: string): string {
  return join(folder.root, 'pins', id);
}
