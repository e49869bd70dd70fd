// SPDX-License-Identifier: BSD-2-Clause
/** What can be done with an image that anybody may have open. */
import type { DiskFollowing, DiskLayers, DiskOwner, DiskPin, FrozenPoint } from './api.js';
import { clean } from './clean.js';
import { LayerFolder } from './folder.js';
import { openLayered } from './open-disk.js';
import { readPin, removePin, writePin } from './pins.js';
import { pointProblems, verifyPoint } from './verify-point.js';

export const diskLayers: DiskLayers = {
  open: openLayered,

  ownerOf(path: string, line: string | null): DiskOwner | null {
    return new LayerFolder(path).readHead(line)?.owner ?? null;
  },

  pinOf(path: string, id: string): DiskPin | null {
    return readPin(new LayerFolder(path), id);
  },

  confirmPin(path: string, snapshot: DiskOwner): void {
    const folder = new LayerFolder(path);
    folder.exclusively(() => {
      const pin = readPin(folder, snapshot.id);
      if (pin === null) throw folder.error(`nothing is kept for ${snapshot.path}`);
      writePin(folder, snapshot, pin.point, true);
    });
  },

  copyPin(path: string, from: string, to: DiskOwner): void {
    const folder = new LayerFolder(path);
    folder.exclusively(() => {
      const pin = readPin(folder, from);
      if (pin === null) throw folder.error(`nothing is kept for the snapshot ${from}`);
      writePin(folder, to, pin.point, false);
    });
  },

  unpin(path: string, id: string): void {
    const folder = new LayerFolder(path);
    if (!folder.exists()) return;
    folder.exclusively(() => removePin(folder, id));
    clean(folder);
  },

  release(path: string, line: string | null, id: string): void {
    const folder = new LayerFolder(path);
    if (!folder.exists()) return;
    folder.exclusively(() => {
      const head = folder.readHead(line);
      if (head?.owner?.id === id) folder.update(line, () => ({ ...head, owner: null }));
    });
  },

  checkPoint(path: string, point: FrozenPoint): string[] {
    return pointProblems(new LayerFolder(path), point);
  },

  verifyPoint(path: string, point: FrozenPoint, following: DiskFollowing = {}): void {
    verifyPoint(new LayerFolder(path), point, following);
  },
};
