// SPDX-License-Identifier: BSD-2-Clause
import type { FrozenPoint } from '../../host/disk/layers/api.js';
import { diskLayers } from '../../host/disk/layers/disk-layers.js';
import { samePoint } from '../../host/disk/layers/identity.js';
import { SnapshotError } from '../snapshot-error.js';
import type { SnapshotFolder } from '../snapshot-folder.js';
import type { DiskRecord } from './disk-record.js';

/** The files to use: a rebase of the image may have accepted other identities than were saved. `path` is where it is now. */
export function pointOf({ manifest: { id } }: SnapshotFolder, { point }: DiskRecord, path: string): FrozenPoint {
  const pinned = diskLayers.pinOf(path, id)?.point ?? point;
  if (pinned !== null && point !== null && samePoint(pinned, point)) return pinned;
  throw new SnapshotError(`disk ${path}`, 'what it keeps for the snapshot is not what that has written down');
}
