// SPDX-License-Identifier: BSD-2-Clause
/** Folders for tests, which go with the tests of their file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders: string[] = [];

function removeAll(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

// Jest's `process` tells of no exit. A program of the tests has no `afterAll`.
if (typeof afterAll === 'function') afterAll(removeAll);
else process.on('exit', removeAll);

export function temporaryFolder(name = 'test'): string {
  const folder = mkdtempSync(join(tmpdir(), `tsbhyve-${name}-`));
  folders.push(folder);
  return folder;
}
