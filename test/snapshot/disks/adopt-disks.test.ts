// SPDX-License-Identifier: BSD-2-Clause
/** A restore of two disks that ends in the middle: the next opening of either finishes it, or finds nothing begun. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LayerFolder } from '../../../src/host/disk/layers/folder.js';
import { loadMachine } from '../../../src/snapshot/load-machine.js';
import { saveMachine } from '../../../src/snapshot/save-machine.js';
import { SnapshotStore } from '../../../src/snapshot/store.js';
import { buildDiskGuest, contentsOf } from '../../support/disk-guest.js';
import { advance } from '../../support/proof.js';
import { sharingFolder } from '../../support/sharing-folder.js';
import { diskMachine, newImages } from '../support/disk-subject.js';
import { temporaryFolder } from '../support/temporary-store.js';
import { MS } from '../support/tick-subject.js';

afterEach(() => jest.restoreAllMocks());

/** From this change of a HEAD on nothing is changed any more. */
function dieAt(change: number): void {
  const { prototype } = LayerFolder;
  const update = Object.getOwnPropertyDescriptor(prototype, 'update')?.value as LayerFolder['update']; // it is a method
  let count = 0;
  jest.spyOn(prototype, 'update').mockImplementation(function (this: LayerFolder, ...request) {
    count += 1;
    if (count >= change) throw new Error('killed');
    return update.apply(this, request);
  });
}

/** A machine with two disks that was saved and went on. Answers what the disks had then, and what they have now. */
function saved(parent: string) {
  const folder = mkdtempSync(join(parent, 'adopt-'));
  const images = newImages(2, folder);
  const store = new SnapshotStore(join(folder, 'store'));
  const machine = diskMachine(images, 3n * MS);
  saveMachine(machine, store, 'one');
  advance(machine, 5n * MS);
  machine.close();
  const { machine: restored } = loadMachine(store, 'one');
  const then = contentsOf(restored);
  restored.close();
  return { images, store, then, now: contentsNow(images) };
}

function contentsNow(images: readonly string[]): Buffer[] {
  const machine = buildDiskGuest(images);
  try {
    return contentsOf(machine);
  } finally {
    machine.close();
  }
}

/** The first two make the journal the owner of each disk. */
const OWNERS = 2;

function diesAtEveryChange(parent: string): void {
  for (let change = 1, isKilled = true; isKilled; change += 1) {
    const { images, store, then, now } = saved(parent);
    const { machine } = loadMachine(store, 'one');
    dieAt(change);
    try {
      machine.resume();
      isKilled = false;
      expect(change).toBeGreaterThan(OWNERS + 2);
    } catch (error) {
      expect((error as Error).message).toContain('killed');
    }
    machine.close();
    jest.restoreAllMocks();
    for (let opening = 0; opening < 2; opening += 1) {
      expect(contentsNow(images)).toEqual(change > OWNERS ? then : now);
    }
    if (change <= OWNERS) continue;
    // What they had is set aside once each.
    const strays = images.map((image) => new LayerFolder(image).readHead(null)?.strays.length);
    expect(strays).toEqual([1, 1]);
  }
}

test('with layers', () => diesAtEveryChange(temporaryFolder()));

const sharing = sharingFolder(tmpdir());
if (typeof sharing === 'string') {
  test.skip(`with images that share their blocks (${sharing})`, () => {});
} else {
  afterAll(sharing.release);
  test('with images that share their blocks', () => diesAtEveryChange(sharing.folder));
}
