// SPDX-License-Identifier: BSD-2-Clause
/** Makes one of several frozen layers, so that a long chain does not make every read slow. */
import { fstatSync } from 'node:fs';
import { copyLayers } from '../../../hypervisor/layer-jobs.js';
import type { DiskJob } from './api.js';
import { tidy } from './clean.js';
import type { LayerFolder } from './folder.js';
import type { Head } from './head.js';
import { identityOf } from './identity.js';
import { freezeFile, type LayerInUse, NewLayer } from './open-files.js';

/** Frozen layers that are read through without merging. */
export const CHAIN_MAX = 8;

/** The open disk puts the merged layer in place of `count` frozen ones. */
export type Replace = (first: number, count: number, merged: LayerInUse) => void;

/** Null if the chain is short. */
export function mergeLayers(
  folder: LayerFolder,
  line: string | null,
  diskBytes: number,
  frozen: readonly LayerInUse[],
  replace: Replace,
): DiskJob | null {
  if (frozen.length <= CHAIN_MAX) return null;
  const first = firstToMerge(frozen.map(({ fd }) => fstatSync(fd).blocks));
  const merging = frozen.slice(first);
  const target = new NewLayer(folder, diskBytes);
  const { fd, id } = target.handle;
  const copy = { base: null, layers: merging, bytes: diskBytes, target: fd, targetId: id, isEmpty: true };
  const job = copyLayers(copy);
  return {
    wait: (milliseconds) => job.wait(milliseconds),
    done: () => job.done(),
    total: () => job.total(),
    cancel: () => job.cancel(),
    finish: () => {
      try {
        job.result();
        freezeFile(folder, target.handle.name);
        const identity = identityOf(fd);
        folder.update(line, (head) => merged(folder, head, merging, { file: target.handle.name, identity }));
        replace(first, merging.length, target.use());
      } finally {
        target.discard();
      }
      tidy(folder);
    },
  };
}

/**
 * Everything above the last layer that is larger than all above it together, so that a byte is copied again only when the
 * chain has doubled; and enough to make the chain short.
 */
export function firstToMerge(sizes: readonly number[]): number {
  let above = 0;
  for (let index = sizes.length - 1; index >= 0; index -= 1) {
    const size = sizes[index] ?? 0;
    if (size > above && index < CHAIN_MAX - 1 && index < sizes.length - 2) return index + 1;
    above += size;
  }
  return 0;
}

function merged(
  folder: LayerFolder,
  head: Head | null,
  parts: readonly LayerInUse[],
  made: Head['chain'][number],
): Head {
  const chain = head?.chain ?? [];
  const first = chain.findIndex(({ file }) => file === parts[0]?.name);
  const found = chain.slice(first, first + parts.length).map(({ file }) => file);
  if (head === null || first < 0 || String(found) !== String(parts.map(({ name }) => name))) {
    throw folder.error('its layers changed while they were merged');
  }
  return { ...head, chain: [...chain.slice(0, first), made, ...chain.slice(first + parts.length)] };
}
