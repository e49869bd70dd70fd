// SPDX-License-Identifier: BSD-2-Clause
/** Snapshots of every format that was frozen (`npm run golden`) go on to the same bits, now and later. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FORMAT_VERSION } from '../../src/snapshot/manifest.js';
import { SnapshotStore } from '../../src/snapshot/store.js';
import { endsOf, type GoldenEnd, unpack } from '../support/golden-snapshots.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const FOLDER = join(__dirname, '../golden-snapshots');
const formats = readdirSync(FOLDER).flatMap((file) => /^format-([0-9]+)\.gz$/.exec(file)?.[1] ?? []);

test('there are some of the present format', () => {
  expect(formats).toContain(String(FORMAT_VERSION));
});

test.each(formats)('format %s', (format) => {
  const folder = temporaryFolder();
  unpack(readFileSync(join(FOLDER, `format-${format}.gz`)), folder);
  const ends: GoldenEnd[] = JSON.parse(readFileSync(join(FOLDER, `format-${format}.json`), 'utf8'));
  expect(endsOf(folder)).toEqual(ends);
  expect(ends.map(({ name }) => name)).toContain('suspend');
  expect(new SnapshotStore(join(folder, 'store')).list().map(({ name }) => name)).toEqual(['full', 'incremental']);
});
