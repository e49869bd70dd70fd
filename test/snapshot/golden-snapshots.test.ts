// SPDX-License-Identifier: BSD-2-Clause
/** Snapshots of every format that was frozen (`npm run golden`) go on to the same bits, now and later. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FORMAT_VERSION } from '../../src/snapshot/manifest.js';
import { SnapshotStore } from '../../src/snapshot/store.js';
import { endsOf, GOLDEN_GUESTS, type GoldenEnd, unpack } from '../support/golden-snapshots.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const FOLDER = join(__dirname, '../golden-snapshots');
const kept = readdirSync(FOLDER).flatMap((file) => /^(.*)\.gz$/.exec(file)?.[1] ?? []);

test('there are some of the present format, of every guest', () => {
  expect(kept).toEqual(expect.arrayContaining(GOLDEN_GUESTS.map(({ suffix }) => `format-${FORMAT_VERSION}${suffix}`)));
});

test.each(kept)('%s', (name) => {
  const guest = GOLDEN_GUESTS.find(({ suffix }) => name.replace(/^format-[0-9]+/, '') === suffix);
  if (guest === undefined) throw new Error(`nobody knows the guest of ${name}`);
  const folder = temporaryFolder();
  unpack(readFileSync(join(FOLDER, `${name}.gz`)), folder);
  const ends: GoldenEnd[] = JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8'));
  expect(endsOf(guest, folder)).toEqual(ends);
  expect(ends.map((end) => end.name)).toContain('suspend');
  expect(new SnapshotStore(join(folder, 'store')).list().map((snapshot) => snapshot.name)).toEqual([
    'full',
    'incremental',
  ]);
});
