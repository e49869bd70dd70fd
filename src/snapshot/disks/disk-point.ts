// SPDX-License-Identifier: BSD-2-Clause
import type { FrozenPoint } from '../../host/disk/layers/api.js';
import { diskLayers } from '../../host/disk/layers/disk-layers.js';
import { SnapshotError } from '../snapshot-error.js';
import type { SnapshotFolder } from '../snapshot-folder.js';
import type { DiskRecord } from './disk-record.js';

/** The files to use: a rebase of the image may have accepted other identities than were saved. `path` is where it is now. */
export function pointOf({ manifest: { id } }: SnapshotFolder, { point }: DiskRecord, path: string): FrozenPoint {
  const found = diskLayers.pinOf(path, id)?.point ?? point;
  if (found !== null) return found;
  throw new SnapshotError(`disk ${path}`, 'the snapshot does not say what it held');
}
