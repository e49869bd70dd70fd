// SPDX-License-Identifier: BSD-2-Clause
import { diskLayers } from '../../host/disk/layers/disk-layers.js';
import { refusing, SnapshotError } from '../snapshot-error.js';
import type { SnapshotFolder } from '../snapshot-folder.js';
import type { Following } from '../steps.js';
import { roleOf } from '../suspend-use.js';
import { pointOf } from './disk-point.js';

/** Compares the disks with their digests; throws the first fault. What a suspend leaves on top is no frozen file and has none. */
export function verifyDisks(snapshot: SnapshotFolder, following: Following): void {
  for (const disk of snapshot.readDisks()) {
    const { kind, path } = disk;
    if (kind === 'read-only') continue;
    const point = pointOf(snapshot, disk, path);
    refusing(`disk ${path}`, () => {
      const [problem] = diskLayers.checkPoint(path, point);
      if (problem !== undefined) throw new SnapshotError(`disk ${path}`, problem);
      if (roleOf(snapshot) === 'snapshot') diskLayers.verifyPoint(path, point, following);
    });
  }
}
