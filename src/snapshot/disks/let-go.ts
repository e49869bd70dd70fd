// SPDX-License-Identifier: BSD-2-Clause
/** What a snapshot holds of disks, when the snapshot goes. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { diskLayers } from '../../host/disk/layers/disk-layers.js';
import { refusing } from '../snapshot-error.js';
import { SnapshotFolder } from '../snapshot-folder.js';
import type { DiskRecord } from './disk-record.js';

/** A suspend that is about to be removed: its disks are anybody's again. */
export function releaseDisks(snapshot: SnapshotFolder): void {
  for (const { path, line } of snapshot.readDisks().filter(isLayered).filter(isThere)) {
    refusing(`disk ${path}`, () => diskLayers.release(path, line, snapshot.manifest.id));
  }
}

/** A snapshot that has lost its name: nothing needs what only it has kept. The names of images that are not there are answered. */
export function unpinDisks(folder: string): string[] {
  const snapshot = readable(folder);
  if (snapshot === null) return [];
  const { id, disks } = snapshot;
  for (const { path } of disks.filter(isThere)) refusing(`disk ${path}`, () => diskLayers.unpin(path, id));
  return disks.flatMap((disk) => (isThere(disk) ? [] : [disk.path]));
}

function isLayered({ kind }: DiskRecord): boolean {
  return kind === 'layers';
}

function isThere({ path }: DiskRecord): boolean {
  return existsSync(path);
}

/** Null if it is damaged, or partly removed, which comes after this. */
function readable(folder: string): { id: string; disks: DiskRecord[] } | null {
  try {
    const snapshot = new SnapshotFolder(folder, basename(folder));
    return { id: snapshot.manifest.id, disks: snapshot.readDisks().filter(isLayered) };
  } catch {
    return null;
  }
}
