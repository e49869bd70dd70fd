// SPDX-License-Identifier: BSD-2-Clause
import type { LayeredDisk } from '../../host/disk/layers/api.js';
import { diskLayers } from '../../host/disk/layers/disk-layers.js';
import { isUnchanged } from '../../host/disk/layers/identity.js';
import { SnapshotError } from '../snapshot-error.js';
import type { SnapshotFolder } from '../snapshot-folder.js';
import type { DiskRecord } from './disk-record.js';

/**
 * A process that died right after its suspend had become visible has not told the disk whom it belongs to. If nothing was
 * written since, it belongs to the suspend.
 */
export function claimDisk(snapshot: SnapshotFolder, { point }: DiskRecord, path: string, line: string | null): void {
  const { name, folder, manifest } = snapshot;
  const owner = diskLayers.ownerOf(path, line);
  if (owner !== null) return; // opening the disk finds out whether it is this one
  const disk = diskLayers.open(path, { readOnly: false, line });
  try {
    if (!isSame(disk, point)) {
      const remedy = `boot the VM, and remove the suspend (tsbhyve snapshot rm ${name})`;
      throw new SnapshotError(`disk ${path}`, `was written since the suspend ${name}: ${remedy}`);
    }
    disk.setOwner({ id: manifest.id, path: folder });
  } finally {
    disk.close();
  }
}

/** The same, asked without changing anything. */
export function isClaimable({ point }: DiskRecord, path: string, line: string | null): boolean {
  if (diskLayers.ownerOf(path, line) !== null) return false;
  const disk = diskLayers.open(path, { readOnly: false, line });
  try {
    return isSame(disk, point);
  } finally {
    disk.close();
  }
}

function isSame(disk: LayeredDisk, point: DiskRecord['point']): boolean {
  return point !== null && isUnchanged(disk.present(), point);
}
