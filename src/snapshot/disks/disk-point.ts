// SPDX-License-Identifier: BSD-2-Clause
import type { FrozenPoint } from '../../host/disk/layers/api.js';
import { diskLayers } from '../../host/disk/layers/disk-layers.js';
import { IMAGE, samePoint } from '../../host/disk/layers/identity.js';
import { SnapshotError } from '../snapshot-error.js';
import type { SnapshotFolder } from '../snapshot-folder.js';
import { roleOf } from '../suspend-use.js';
import type { DiskRecord } from './disk-record.js';

/**
 * The files to use: a rebase of the image may have accepted other identities than were saved, and a suspend that was kept may
 * have written down the image itself, of which there is a clone since. `path` is where the image is now.
 */
export function pointOf(snapshot: SnapshotFolder, { point }: DiskRecord, path: string): FrozenPoint {
  const pinned = diskLayers.pinOf(path, snapshot.manifest.id)?.point ?? point;
  if (pinned !== null && point !== null) {
    if (samePoint(pinned, point) || (isKeptSuspend(snapshot) && isCloneOf(pinned, point))) return pinned;
  }
  throw new SnapshotError(`disk ${path}`, 'what it keeps for the snapshot is not what that has written down');
}

function isKeptSuspend(snapshot: SnapshotFolder): boolean {
  return snapshot.manifest.kind === 'suspend' && roleOf(snapshot) === 'snapshot';
}

/** Its pin was made while nobody else could write to the image. */
function isCloneOf(pinned: FrozenPoint, { base, layers }: FrozenPoint): boolean {
  const areFlat = layers.length === 0 && pinned.layers.length === 0;
  return areFlat && base.file === IMAGE && pinned.base.identity.bytes === base.identity.bytes;
}
