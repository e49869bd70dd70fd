// SPDX-License-Identifier: BSD-2-Clause
/**
 * What a process that died has left undone on a disk, finished by the next one that opens it for writing; and the refusal
 * of a disk that a suspend waits for.
 */
import { basename } from 'node:path';
import { type Logger, nullLogger } from '../../core/log.js';
import type { DiskOwner, LayeredDisk } from '../../host/disk/layers/api.js';
import { diskLayers } from '../../host/disk/layers/disk-layers.js';
import { SnapshotError } from '../snapshot-error.js';
import { roleOf } from '../suspend-use.js';
import { finishAdoption } from './adopt-disks.js';
import { snapshotOf } from './owner-snapshot.js';

/** `resuming`: the suspend that may have the disk. */
export function settleDisk(path: string, line: string | null, resuming: string | null, log: Logger = nullLogger): void {
  const owner = diskLayers.ownerOf(path, line);
  if (owner === null || owner.id === resuming || finishAdoption(path, line, owner)) return;
  const snapshot = snapshotOf(owner);
  const subject = `disk ${path}`;
  if (snapshot === null) {
    const drop = `tsbhyve disk drop ${path} ${basename(owner.path)}`;
    const ways = `go on from it where it is (-r FOLDER), or give it up (${drop})`;
    throw new SnapshotError(subject, `belongs to a suspend that is not at ${owner.path}: ${ways}`);
  }
  const { name, folder } = snapshot;
  switch (roleOf(snapshot)) {
    case 'suspend':
      throw new SnapshotError(
        subject,
        `belongs to the suspend ${name}: go on from it (-r ${folder}), or remove it (tsbhyve snapshot rm ${name})`,
      );
    case 'spent':
      diskLayers.release(path, line, owner.id);
      log.warn(`${subject}: its VM went on from the suspend ${name} and has ended since: it is as it was last written`);
      break;
    case 'snapshot':
      finishKeeping(path, line, owner);
      break;
  }
}

/**
 * Makes a suspend's hold on a disk that of a snapshot: what it holds is frozen, and a new layer lies above. Each step can be
 * done again: the owner goes with the freeze, or last where the file system clones.
 */
export function keepDisk(disk: LayeredDisk, snapshot: DiskOwner): void {
  const isPinned = diskLayers.pinOf(disk.path, snapshot.id) !== null;
  const layer = disk.prepare();
  if (!isPinned) disk.pin(snapshot, layer === null ? disk.freeze(null) : disk.present());
  diskLayers.confirmPin(disk.path, snapshot);
  if (layer !== null) disk.freeze(layer);
  disk.clearOwner();
}

function finishKeeping(path: string, line: string | null, owner: DiskOwner): void {
  const disk = diskLayers.open(path, { readOnly: false, line, resuming: owner.id });
  try {
    keepDisk(disk, owner);
  } finally {
    disk.close();
  }
}
