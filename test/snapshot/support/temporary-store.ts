// SPDX-License-Identifier: BSD-2-Clause
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SnapshotStore } from '../../../src/snapshot/store.js';

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
  const file = join(store.root, path);
  chmodSync(file, 0o600);
  writeFileSync(file, bytes);
}
