// SPDX-License-Identifier: BSD-2-Clause
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpioArchive, cpioParts } from '../../scripts/quickstart/cpio.js';
import { treeEntries } from '../../scripts/quickstart/tree-entries.js';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsbhyve-tree-'));
});
afterEach(() => rmSync(root, { recursive: true }));

test('folders come before what is in them, in the order of names', () => {
  mkdirSync(join(root, 'b/c'), { recursive: true });
  writeFileSync(join(root, 'b/c/run'), '#!/bin/sh\n');
  chmodSync(join(root, 'b/c/run'), 0o755);
  writeFileSync(join(root, 'a'), 'text');
  symlinkSync('a', join(root, 'z'));
  const entries = [...treeEntries(root)];
  expect(entries).toEqual([
    { kind: 'file', name: 'a', bytes: Buffer.from('text'), executable: false },
    { kind: 'folder', name: 'b' },
    { kind: 'folder', name: 'b/c' },
    { kind: 'file', name: 'b/c/run', bytes: Buffer.from('#!/bin/sh\n'), executable: true },
    { kind: 'link', name: 'z', target: 'a' },
  ]);
  expect(Buffer.concat([...cpioParts(treeEntries(root))])).toEqual(cpioArchive(entries));
});
