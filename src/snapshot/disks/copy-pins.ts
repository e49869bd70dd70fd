// SPDX-License-Identifier: BSD-2-Clause
/** A second snapshot of the same instant, which keeps its disks too. */
import type { DiskOwner } from '../../host/disk/layers/api.js';
import { diskLayers } from '../../host/disk/layers/disk-layers.js';
import { ignoringFailure } from '../../host/ignoring-failure.js';
import { refusing } from '../snapshot-error.js';
import type { SnapshotFolder } from '../snapshot-folder.js';

export interface CopiedPins {
  /** The second snapshot is there. */
  confirm(): void;
  /** There is none. */
  remove(): void;
}

export function copyPins(original: SnapshotFolder, copy: DiskOwner): CopiedPins {
  const paths = original.readDisks().flatMap(({ kind, path }) => (kind === 'layers' ? [path] : []));
  const remove = (): void => {
    for (const path of paths) ignoringFailure(() => diskLayers.unpin(path, copy.id));
  };
  try {
    for (const path of paths) {
      refusing(`disk ${path}`, () => diskLayers.copyPin(path, original.manifest.id, copy));
    }
  } catch (error) {
    remove();
    throw error;
  }
  const confirm = (): void => {
    for (const path of paths) ignoringFailure(() => diskLayers.confirmPin(path, copy));
  };
  return { confirm, remove };
}
