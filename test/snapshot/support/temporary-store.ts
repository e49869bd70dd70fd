// SPDX-License-Identifier: BSD-2-Clause
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SnapshotStore } from '../../../src/snapshot/store.js';
import { overwrite } from './forge.js';

const roots: string[] = [];

afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

export function temporaryFolder(): string {
  const root = mkdtempSync(join(tmpdir(), 'tsbhyve-snapshot-'));
  roots.push(root);
  return root;
}

export function temporaryStore(): SnapshotStore {
  return new SnapshotStore(join(temporaryFolder(), 'store'));
}

export function fileIn(store: SnapshotStore, path: string): Buffer {
  return readFileSync(join(store.root, path));
}

/** Overwrites a finished file, as only a vandal does. */
export function spoil(store: SnapshotStore, path: string, bytes: Uint8Array): void {
  overwrite(join(store.root, path), bytes);
}
