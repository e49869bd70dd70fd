// SPDX-License-Identifier: BSD-2-Clause
/** Long work on the files of layered disk images, by native threads. Descriptors are duplicated. */
import { type AddonLayer, loadAddon } from './addon.js';
import { hypervisorError } from './hypervisor-error.js';
import type { RamJob } from './ram-job.js';

export interface LayerCopy {
  /** Null: only what the layers have. */
  readonly base: number | null;
  /** From the oldest. */
  readonly layers: readonly AddonLayer[];
  /** Of the disk. */
  readonly bytes: number;
  readonly target: number;
  /** Of the target, if that is an empty layer; null: a plain image. */
  readonly targetId: Uint8Array | null;
  /** The target is one hole. */
  readonly isEmpty: boolean;
}

/** Copies what layers hold together into one file, and syncs that. */
export function copyLayers({ base, layers, bytes, target, targetId, isEmpty }: LayerCopy): RamJob<null> {
  return guarded(() => loadAddon().layers.copyLayers(base, layers, bytes, target, targetId, isEmpty));
}

/** XXH3-128 of what a file holds, wherever its holes are. */
export function digestFile(fd: number): RamJob<Uint8Array> {
  return guarded(() => loadAddon().layers.digestFile(fd));
}

function guarded<T>(call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw hypervisorError('disk layers', cause);
  }
}
