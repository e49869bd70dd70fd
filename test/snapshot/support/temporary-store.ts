// SPDX-License-Identifier: BSD-2-Clause
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SnapshotStore } from '../../../src/snapshot/store.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { overwrite } from './forge.js';

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
