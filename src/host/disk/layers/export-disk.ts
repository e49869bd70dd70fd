// SPDX-License-Identifier: BSD-2-Clause
/** A plain image of what a disk holds, now or at a frozen point. */

import { closeSync, fsyncSync, ftruncateSync, linkSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { copyLayers } from '../../../hypervisor/layer-jobs.js';
import { createNew, syncFolder } from '../../durable-files.js';
import { HostError, systemReason } from '../../host-error.js';
import { newId } from '../../new-id.js';
import type { DiskFollowing, FrozenPoint } from './api.js';
import { openLayers } from './commit-disk.js';
import { completed } from './exclusive.js';
import { closeAll, LayerFolder } from './folder.js';
import { openLayered } from './open-disk.js';
import { checkFrozen, openShared } from './open-files.js';

/** `point` null: what the disk holds now; nobody may have it open for writing then. */
export function exportDisk(
  path: string,
  target: string,
  point: FrozenPoint | null,
  following: DiskFollowing = {},
): void {
  if (point === null) exportNow(path, target, following);
  else exportPoint(new LayerFolder(path), target, point, following);
}

function exportNow(path: string, target: string, following: DiskFollowing): void {
  const disk = openLayered(path, { readOnly: true });
  try {
    const { base, layers } = disk.files();
    write(target, disk.capacity, base, layers, following);
  } finally {
    disk.close();
  }
}

function exportPoint(folder: LayerFolder, target: string, point: FrozenPoint, following: DiskFollowing): void {
  const base = openShared(folder, point.base.file);
  try {
    checkFrozen(folder, base, point.base);
    const layers = openLayers(folder, { chain: [...point.layers], top: null });
    try {
      write(target, point.base.identity.bytes - (point.base.identity.bytes % 512), base, layers, following);
    } finally {
      closeAll(layers.map(({ fd }) => fd));
    }
  } finally {
    closeSync(base);
  }
}

/** Under another name until it is whole. */
function write(
  target: string,
  bytes: number,
  base: number,
  layers: Parameters<typeof copyLayers>[0]['layers'],
  following: DiskFollowing,
): void {
  const draft = join(dirname(target), `.tsbhyve-export-${newId()}`);
  const refused = (cause: unknown): HostError =>
    new HostError(`disk ${target}`, `cannot write it: ${systemReason(cause)}`, { cause });
  let fd: number;
  try {
    fd = createNew(draft);
  } catch (cause) {
    throw refused(cause);
  }
  try {
    ftruncateSync(fd, bytes);
    completed(copyLayers({ base, layers, bytes, target: fd, targetId: null, isEmpty: true }), following);
    fsyncSync(fd);
    linkSync(draft, target); // refuses a name that is taken
    rmSync(draft);
    syncFolder(dirname(target));
  } catch (cause) {
    rmSync(draft, { force: true });
    throw refused(cause);
  } finally {
    closeSync(fd);
  }
}
