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
  for (const { path, line } of imagesOf(snapshot)) {
    refusing(`disk ${path}`, () => diskLayers.release(path, line, snapshot.manifest.id));
  }
}

/** A snapshot that has lost its name: nothing needs what only it has kept. The names of images that are not there are answered. */
export function unpinDisks(folder: string): string[] {
  const snapshot = readable(folder);
  if (snapshot === null) return [];
  const { id } = snapshot.manifest;
  for (const { path } of imagesOf(snapshot)) refusing(`disk ${path}`, () => diskLayers.unpin(path, id));
  return layeredDisks(snapshot).flatMap(({ path }) => (existsSync(path) ? [] : [path]));
}

function imagesOf(snapshot: SnapshotFolder): DiskRecord[] {
  return layeredDisks(snapshot).filter(({ path }) => existsSync(path));
}

function layeredDisks(snapshot: SnapshotFolder): DiskRecord[] {
  return snapshot.readDisks().filter(({ kind }) => kind === 'layers');
}

/** Null if it is damaged, or partly removed, which comes after this. */
function readable(folder: string): SnapshotFolder | null {
  try {
    const snapshot = new SnapshotFolder(folder, basename(folder));
    snapshot.readDisks();
    return snapshot;
  } catch {
    return null;
  }
}
