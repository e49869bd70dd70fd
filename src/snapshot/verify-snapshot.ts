// SPDX-License-Identifier: BSD-2-Clause
import { verifyRam } from '../hypervisor/ram-files.js';
import { verifyDisks } from './disks/verify-disks.js';
import type { OpenLayer } from './snapshot-folder.js';
import { type Following, followJob } from './steps.js';
import type { SnapshotStore } from './store.js';

/** Reads a snapshot and all that it builds on and compares every digest. Throws the first fault. */
export function verifySnapshot(store: SnapshotStore, name: string, options: Following = {}): void {
  const newest = store.open(name);
  for (const snapshot of store.chain(newest)) snapshot.readState();
  store.withLayers(newest, (layers) => verifyLayers(layers, options));
  verifyDisks(newest, options);
}

export function verifyLayers(layers: readonly OpenLayer[], options: Following): void {
  for (const { snapshot, index, fd } of layers) {
    const job = verifyRam(snapshot.manifest.ram.segments, fd, index.stored, snapshot.ramDigest);
    followJob(job, snapshot.label('ram'), options);
  }
}
