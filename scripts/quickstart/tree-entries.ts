// SPDX-License-Identifier: BSD-2-Clause
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry } from './cpio.js';

const EXECUTABLE = 0o111;

/** Folders, files and symbolic links below a folder, in the same order on every host. Files are read one at a time. */
export function* treeEntries(root: string, below = ''): Generator<Entry> {
  const found = readdirSync(join(root, below), { withFileTypes: true });
  for (const entry of found.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = below === '' ? entry.name : `${below}/${entry.name}`;
    const path = join(root, name);
    if (entry.isSymbolicLink()) yield { kind: 'link', name, target: readlinkSync(path) };
    else if (entry.isDirectory()) {
      yield { kind: 'folder', name };
      yield* treeEntries(root, name);
    } else if (entry.isFile()) {
      yield { kind: 'file', name, bytes: readFileSync(path), executable: (statSync(path).mode & EXECUTABLE) !== 0 };
    }
  }
}
