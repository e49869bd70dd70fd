// SPDX-License-Identifier: BSD-2-Clause
/**
 * A chain as one hidden file of the store, made once for all machines that share its pages. It is a cache: it belongs to
 * one snapshot, goes with it, and is made anew when it is not there.
 */
import { closeSync } from 'node:fs';
import { flattenInto } from './flatten-snapshot.js';
import { lockWhenFree } from './lock-when-free.js';
import type { SnapshotFolder } from './snapshot-folder.js';
import type { Following } from './steps.js';
import type { SnapshotStore } from './store.js';

/** The snapshot itself if it needs no parent. */
export function sharedBase(store: SnapshotStore, snapshot: SnapshotFolder, options: Following = {}): SnapshotFolder {
  if (snapshot.manifest.parent === null) return snapshot;
  const ready = store.bases.open(snapshot);
  if (ready !== null) return ready;
  const lock = lockWhenFree(snapshot.path('manifest'), snapshot.label('manifest'), options);
  try {
    return store.bases.open(snapshot) ?? flattenInto(store, snapshot, store.bases.begin(snapshot), options);
  } finally {
    closeSync(lock);
  }
}
