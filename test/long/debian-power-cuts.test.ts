// SPDX-License-Identifier: BSD-2-Clause
/**
 * The power of the host goes while a guest writes to a disk: whatever the host had not been asked to sync may be lost, in
 * any block. What the guest was told is durable must be there. Uses dist and the shim of test/crash.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endRuns } from '../cli/support/run.js';
import { sectors } from '../crash/support/power-cuts.js';
import { canShim, WatchedFolder } from '../crash/support/shim.js';
import type { Change } from '../crash/support/store-log.js';
import { randomNumbers, testSeed } from '../support/random.js';
import { DebianGuest, debianImage } from './support/debian-guest.js';
import { checkCrashedFileSystem } from './support/disk-image.js';
import { checkRecords, lastReported, recordIn } from './support/records.js';

const RECORDS = 120;
const CUTS = 60;
const DISK_SIZE = 24 * 1024 * 1024;
/** ext4 takes its blocks for whole: half a superblock fails its checksum, whatever the journal has. */
const BLOCK = 4096;
const DISK = 'data.img';
const seed = testSeed();

interface Edit {
  readonly offset: number;
  readonly bytes: Buffer;
}

type Fate = (random: () => number) => boolean;
const FATES: Readonly<Record<string, Fate>> = {
  lost: () => false,
  kept: () => true,
  torn: (random) => random() < 0.5,
};

let watched: WatchedFolder;
let scratch = '';
beforeEach(() => {
  watched = new WatchedFolder();
  scratch = mkdtempSync(join(tmpdir(), 'tsbhyve-cuts-'));
});
afterEach(() => {
  endRuns();
  watched.remove();
  rmSync(scratch, { recursive: true });
});

(canShim ? describe : describe.skip)(`power cuts (seed ${seed})`, () => {
  test('nothing that was flushed is lost', async () => {
    const { initial, log } = await recording();
    const found = examine(initial, log);
    expect(found.cuts).toBe(CUTS * Object.keys(FATES).length);
    // Cuts early and late, or there was nothing to lose.
    expect(found.reported.size).toBeGreaterThan(CUTS / 3);
    // And what the test is for is seen: a host that does not sync.
    const lie = log.filter(({ kind }) => kind !== 'sync');
    expect(() => examine(initial, lie)).toThrow(/^after \d+ of \d+ calls/);
  });
});

interface Recording {
  /** The disk before the guest saw it. */
  readonly initial: Buffer;
  readonly log: readonly Change[];
}

/** A guest without an init system, whose second disk is in the watched folder. */
async function recording(): Promise<Recording> {
  const image = await debianImage();
  const disk = join(watched.root, DISK);
  writeFileSync(disk, '');
  truncateSync(disk, DISK_SIZE);
  // Nothing is left for the guest's kernel to clear later.
  const features = ['-E', 'lazy_itable_init=0,lazy_journal_init=0,nodiscard'];
  execFileSync('/sbin/mkfs.ext4', ['-q', '-b', '4096', ...features, disk]);
  const initial = readFileSync(disk);
  const guest = DebianGuest.boot({
    image,
    disk: `${image.disk},ro`,
    // The recording shim writes to a file of its own, which a confined VM does not reach.
    words: ['-s', `5,virtio-blk,${disk}`, '--sandbox', 'off'],
    append: 'init=/bin/sh',
    environment: watched.environment,
  });
  await guest.expect('# ');
  await guest.plain();
  await guest.ask('mount -t proc proc /proc; mount -t ext4 /dev/vdb /mnt');
  guest.type(recordIn('/mnt'));
  for (let record = 1; record <= RECORDS; record += 1) {
    const line = `RECORD ${record}`;
    await guest.expect(`${line}\n`);
    watched.mark(line);
  }
  guest.run.child.kill('SIGKILL');
  await guest.run.end();
  return { initial, log: watched.changes(DISK) };
}

/** Throws what is wrong after the first bad cut; answers how many there were, and what had been reported by then. */
function examine(initial: Buffer, log: readonly Change[]): { cuts: number; reported: ReadonlySet<number> } {
  const random = randomNumbers(seed);
  const points = new Set<number>();
  while (points.size < CUTS) points.add(1 + Math.floor(random() * log.length));
  const durable = Buffer.from(initial);
  const reported = new Set<number>();
  let pending: Edit[] = [];
  let marks = '';
  let cuts = 0;
  for (const [index, change] of log.entries()) {
    if (change.kind === 'mark') marks += `${change.text}\n`;
    if (change.kind === 'write') pending.push(...sectors(change.offset, change.bytes, BLOCK));
    if (change.kind === 'sync') {
      write(durable, pending);
      pending = [];
    }
    if (!points.has(index + 1)) continue;
    reported.add(lastReported(marks));
    for (const [name, keeps] of Object.entries(FATES)) {
      const image = join(scratch, 'cut.img');
      const bytes = Buffer.from(durable);
      write(
        bytes,
        pending.filter(() => keeps(random)),
      );
      writeFileSync(image, bytes);
      try {
        checkCrashedFileSystem(image);
        checkRecords(image, '', lastReported(marks));
      } catch (cause) {
        throw new Error(`after ${index + 1} of ${log.length} calls, the rest ${name}: ${String(cause)}`, { cause });
      }
      cuts += 1;
    }
  }
  return { cuts, reported };
}

function write(bytes: Buffer, edits: readonly Edit[]): void {
  for (const edit of edits) edit.bytes.copy(bytes, edit.offset);
}
