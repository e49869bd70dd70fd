// SPDX-License-Identifier: BSD-2-Clause
/** The snapshot that a disk speaks of, wherever in its store it is by now. */
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { DiskOwner } from '../../host/disk/layers/api.js';
import { SnapshotFolder } from '../snapshot-folder.js';

/** Null if it is not there, or cannot be read. */
export function snapshotOf({ id, path }: DiskOwner): SnapshotFolder | null {
  const direct = openWithId(path, id);
  if (direct !== null) return direct;
  const store = dirname(path);
  for (const name of entries(store)) {
    const found = name.startsWith('.') ? null : openWithId(join(store, name), id);
    if (found !== null) return found;
  }
  return null;
}

function openWithId(folder: string, id: string): SnapshotFolder | null {
  try {
    const snapshot = new SnapshotFolder(folder, basename(folder));
    return snapshot.manifest.id === id ? snapshot : null;
  } catch {
    return null;
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
