// SPDX-License-Identifier: BSD-2-Clause
/** Snapshots of a Debian whose SQLite writes: each can be restored, twice and in any order, and is consistent. Uses dist. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endRuns } from '../cli/support/run.js';
import { randomNumbers, testSeed } from '../support/random.js';
import { DebianGuest, debianImage, diskOf } from './support/debian-guest.js';
import { snapshot } from './support/debian-saves.js';

const seed = testSeed();
const SNAPSHOTS = 3;
const RESTORES = 2;
const ROWS_BETWEEN = 40;

/** Every transaction keeps the sum of both columns, so that half of one would show. */
const WRITER = `python3 -c '
import sqlite3
base = sqlite3.connect("/root/data", isolation_level=None)
base.execute("create table if not exists moves (number integer primary key, left integer, right integer, filler text)")
number = 0
while True:
    number += 1
    base.execute("begin immediate")
    base.execute("insert into moves values (?, ?, 0, ?)", (number, number, "x" * 1500))
    base.execute("update moves set left = left - 1, right = right + 1 where left > 0")
    base.execute("commit")
' < /dev/null > /root/writer.log 2>&1 &`;

/** Rows; none before there is a table. */
const count = async (guest: DebianGuest): Promise<number> =>
  Number(await guest.ask('sqlite3 -cmd ".timeout 60000" /root/data "select count(*) from moves" 2> /dev/null'));

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-travel-'));
});
afterEach(() => {
  endRuns();
  rmSync(folder, { recursive: true });
});

test(`three snapshots, each restored twice (seed ${seed})`, async () => {
  const random = randomNumbers(seed);
  const image = await debianImage();
  const disk = await diskOf(image);
  const store = join(folder, 'store');
  const guest = DebianGuest.boot({ image, disk, words: ['-m', '512M', '--store', store] });
  await guest.login();
  await guest.ask(WRITER);
  const names: string[] = [];
  /** Rows that were there before each snapshot. */
  const rows = new Map<string, number>();
  for (let taken = 0; taken < SNAPSHOTS; taken += 1) {
    const wanted = (await count(guest)) + ROWS_BETWEEN;
    let before = 0;
    while (before < wanted) {
      expect(await guest.ask('cat /root/writer.log')).toBe(''); // else it has ended, and no more rows come
      before = await count(guest);
    }
    const name = await snapshot(guest);
    names.push(name);
    rows.set(name, before);
  }
  guest.run.child.kill('SIGKILL'); // whatever it did since has no part in the snapshots
  await guest.run.end();

  const order = names
    .flatMap((name) => Array.from({ length: RESTORES }, () => name))
    .map((name) => ({ name, key: random() }))
    .sort((a, b) => a.key - b.key);
  for (const { name } of order) {
    const restored = DebianGuest.resume({}, '--store', store, '-r', name);
    // The writer is at work in it, so more rows may have come since.
    expect(await count(restored)).toBeGreaterThanOrEqual(rows.get(name) ?? Number.NaN);
    await restored.ask('kill %1; sync; echo 3 > /proc/sys/vm/drop_caches');
    const check = 'pragma integrity_check; select count(*) = max(number), sum(left + right) = sum(number) from moves';
    expect(await restored.ask(`sqlite3 /root/data "${check}"`)).toBe('ok\n1|1');
    expect(await restored.ask("dmesg | grep -iE 'i/o error|ext4-fs error'")).toBe('');
    restored.run.child.kill('SIGKILL');
    await restored.run.end();
  }
});
