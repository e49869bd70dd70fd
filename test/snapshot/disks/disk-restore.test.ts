// SPDX-License-Identifier: BSD-2-Clause
import { existsSync, mkdtempSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isKept } from '../../../src/host/disk/kept-disk.js';
import { diskLayers } from '../../../src/host/disk/layers/disk-layers.js';
import { dropFrom } from '../../../src/host/disk/layers/strays.js';
import type { Machine } from '../../../src/machine/machine.js';
import { flattenSnapshot } from '../../../src/snapshot/flatten-snapshot.js';
import { loadMachine } from '../../../src/snapshot/load-machine.js';
import { ResumedMachine, type ResumeRequest } from '../../../src/snapshot/resumed-machine.js';
import { saveMachine } from '../../../src/snapshot/save-machine.js';
import { SnapshotStore } from '../../../src/snapshot/store.js';
import { roleOf } from '../../../src/snapshot/suspend-use.js';
import { verifySnapshot } from '../../../src/snapshot/verify-snapshot.js';
import { buildDiskGuest, requestsOf } from '../../support/disk-guest.js';
import { advance } from '../../support/proof.js';
import { sharingFolder } from '../../support/sharing-folder.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { diskMachine, expectConsistent, newImages } from '../support/disk-subject.js';
import { temporaryStore } from '../support/temporary-store.js';
import { MS } from '../support/tick-subject.js';

const warnings: string[] = [];
const warn = (line: string): unknown => warnings.push(line);
beforeEach(() => warnings.splice(0));

const opened: ResumedMachine[] = [];
const machines: Machine[] = [];
afterEach(() => {
  for (const resumed of opened.splice(0)) {
    resumed.end(warn);
    resumed.machine.close();
  }
  for (const machine of machines.splice(0)) machine.close();
});

function resume(store: SnapshotStore, name: string, request: Partial<ResumeRequest> = {}): ResumedMachine {
  const resumed = ResumedMachine.load({ store: store.root, name, keep: false, overrides: {}, ...request }, {});
  opened.push(resumed);
  return resumed;
}

/** A machine that was saved at 3 ms and went on, unless it was suspended. */
function saved(kind: 'snapshot' | 'suspend', count = 1, folder = temporaryFolder()) {
  const images = newImages(count, folder);
  const store = temporaryStore();
  const machine = diskMachine(images, 3n * MS);
  const requests = requestsOf(machine);
  saveMachine(machine, store, 'one', { kind });
  if (kind === 'snapshot') advance(machine, 5n * MS);
  machine.close();
  return { images, store, requests };
}

const chainLengths = (images: readonly string[]): number[] =>
  images.map((path) => {
    const disk = diskLayers.open(path, { readOnly: false });
    disk.close();
    return disk.isFlat ? -1 : disk.chainLength;
  });

const sharing = sharingFolder();
if (typeof sharing === 'string') test.skip(`with images that share their blocks (${sharing})`, () => {});
else afterAll(sharing.release);

/** Where images lie. A file system that shares blocks clones what others keep in layers. */
const PLACES: readonly (readonly [name: string, place: () => string])[] = [
  ['', temporaryFolder],
  ...(typeof sharing === 'string'
    ? []
    : [[' that share their blocks', () => mkdtempSync(join(sharing.folder, 'disks-'))] as const]),
];
const cases = PLACES.flatMap(([name, place]) => [1, 2].map((count) => [count, name, place] as const));

describe.each(cases)('with %d disks%s', (count, _, place) => {
  test('a suspend stacks nothing, and its resume goes on in the same files', () => {
    const { images, store } = saved('suspend', count, place());
    for (let round = 0; round < 5; round += 1) {
      const resumed = resume(store, 'one');
      const { machine } = resumed;
      expectConsistent(machine);
      advance(machine, machine.time + MS);
      expectConsistent(machine);
      while (store.list().length > 0) resumed.poll(warn); // it goes once it is verified
      saveMachine(machine, store, 'one', { kind: 'suspend' });
      opened.pop()?.end(warn);
      machine.close();
    }
    expect(warnings).toEqual([]);
    resume(store, 'one').machine.resume();
    opened.pop()?.machine.close();
    expect(chainLengths(images)).toEqual(images.map(() => -1));
    expect(readdirSync(dirname(images[0] ?? '')).sort()).toEqual(
      images.flatMap((_, at) => [`disk${at}.img`, `disk${at}.img.tsbhyve`]),
    );
  });

  test('nobody boots on disks that a suspend waits for, or goes on from an older snapshot', () => {
    const { images, store } = saved('snapshot', count, place());
    const { machine } = resume(store, 'one');
    advance(machine, machine.time + MS);
    saveMachine(machine, store, 'later', { kind: 'suspend' });
    machine.close();
    const refusal =
      /^disk .*disk0\.img: belongs to the suspend later: go on from it \(-r .*\/later\), or remove it \(tsbhyve snapshot rm later\)$/;
    expect(() => buildDiskGuest(images)).toThrow(refusal);
    expect(() => resume(store, 'one')).toThrow(refusal);
    store.remove('later');
    machines.push(buildDiskGuest(images));
  });

  test('a suspend that was resumed is spent: the next boot has the disks as they were last written', () => {
    const { images, store } = saved('suspend', count, place());
    const { machine } = resume(store, 'one');
    advance(machine, machine.time + MS);
    machine.close(); // as a process that dies
    expect(() => resume(store, 'one')).toThrow('one: is spent');
    machines.push(buildDiskGuest(images));
  });

  test('a disk that cannot be told at once that its suspend is spent hears it before that goes', () => {
    const { images, store } = saved('suspend', count, place());
    const resumed = resume(store, 'one');
    const disks = resumed.machine.parts.disks.flatMap(({ backend }) => (isKept(backend) ? backend.layers : []));
    const refusals = disks.map((disk) =>
      jest.spyOn(disk, 'clearOwner').mockImplementation(() => {
        throw new Error('EIO');
      }),
    );
    advance(resumed.machine, resumed.machine.time + MS);
    resumed.end(warn);
    resumed.machine.close();
    expect(refusals.map((refusal) => refusal.mock.calls.length)).toEqual(images.map(() => 1));
    expect(store.list()).toEqual([]);
    machines.push(buildDiskGuest(images));
    expect(warnings).toEqual([]);
  });

  test('before the first instruction nothing has happened to the disks', () => {
    const { images, store, requests } = saved('suspend', count, place());
    const { machine } = resume(store, 'one');
    opened.pop()?.end(warn);
    machine.close();
    expect(roleOf(store.open('one'))).toBe('suspend');
    expect(() => buildDiskGuest(images)).toThrow('belongs to the suspend one');
    expect(requestsOf(resume(store, 'one').machine)).toEqual(requests);
  });

  test('one that is kept is a snapshot, any number of times', () => {
    const { images, store, requests } = saved('suspend', count, place());
    for (const keep of [true, false, false]) {
      const { machine } = resume(store, 'one', { keep });
      expect(requestsOf(machine)).toEqual(requests);
      expectConsistent(machine);
      advance(machine, machine.time + MS);
      expectConsistent(machine);
      opened.pop()?.end(warn);
      machine.close();
    }
    expect(roleOf(store.open('one'))).toBe('snapshot');
    verifySnapshot(store, 'one');
    machines.push(buildDiskGuest(images));
  });

  test('snapshots are restored in any order, again and again', () => {
    const { store } = saved('snapshot', count, place());
    const counts = new Map<string, number[]>();
    let { machine } = resume(store, 'one');
    for (const name of ['two', 'three']) {
      advance(machine, machine.time + 2n * MS);
      counts.set(name, requestsOf(machine));
      saveMachine(machine, store, name);
    }
    machine.close();
    for (const name of ['three', 'two', 'three', 'two', 'one', 'three', 'one']) {
      ({ machine } = resume(store, name));
      if (counts.has(name)) expect(requestsOf(machine)).toEqual(counts.get(name));
      expectConsistent(machine);
      advance(machine, machine.time + MS);
      expectConsistent(machine);
      machine.close();
    }
    for (const name of ['one', 'two', 'three']) verifySnapshot(store, name);
  });

  test('what a snapshot keeps of its disks goes with it', () => {
    const { images, store } = saved('snapshot', count, place());
    const { id } = store.open('one').manifest;
    expect(images.map((path) => diskLayers.pinOf(path, id)?.confirmed)).toEqual(images.map(() => true));
    expect(store.remove('one')).toEqual([]);
    expect(images.map((path) => diskLayers.pinOf(path, id))).toEqual(images.map(() => null));
  });

  test('a flattened snapshot keeps them too', () => {
    const { store } = saved('snapshot', count, place());
    flattenSnapshot(store, 'one', 'flat');
    store.remove('one');
    verifySnapshot(store, 'flat');
    const { machine } = resume(store, 'flat');
    expectConsistent(machine);
    advance(machine, machine.time + MS);
    expectConsistent(machine);
  });

  test('clones write to disks of their own', () => {
    const { images, store, requests } = saved('snapshot', count, place());
    const clones = ['first', 'second'].map((name, index) => {
      const identity = { kind: 'new', generation: new Uint8Array(16).fill(index) } as const;
      return resume(store, 'one', { clone: true, overrides: { name }, identity });
    });
    machines.push(buildDiskGuest(images)); // the original runs beside them
    for (const [index, { machine }] of clones.entries()) {
      expect(requestsOf(machine)).toEqual(requests);
      advance(machine, machine.time + BigInt(index + 1) * MS);
      expectConsistent(machine);
    }
    for (const { machine } of clones) expectConsistent(machine);
    const [, second] = clones;
    if (second !== undefined) saveMachine(second.machine, store, 'of-second');
    for (const { machine } of clones) machine.close();
    opened.splice(0);
    const again = resume(store, 'of-second');
    expectConsistent(again.machine);
    advance(again.machine, again.machine.time + MS);
    expectConsistent(again.machine);
  });
});

test('a clone of a suspend would write to disks that are the suspend’s', () => {
  const { store } = saved('suspend');
  const identity = { kind: 'new', generation: new Uint8Array(16) } as const;
  const request = { clone: true, overrides: { name: 'clone' }, identity };
  expect(() => resume(store, 'one', request)).toThrow('one: the disks of a suspend are its own: resume it with --keep');
});

test('a store that has moved is found again, and so is a snapshot that was renamed', () => {
  const { images, store } = saved('suspend');
  renameSync(join(store.root, 'one'), join(store.root, 'two'));
  expect(() => buildDiskGuest(images)).toThrow('belongs to the suspend two');
  const moved = `${store.root}-moved`;
  renameSync(store.root, moved);
  expect(() => buildDiskGuest(images)).toThrow(/belongs to a suspend that is not at .*: go on from it where it is/);
  const resumed = resume(new SnapshotStore(moved), 'two');
  expectConsistent(resumed.machine);
  opened.pop()?.end(warn);
  resumed.machine.close();
  expect(dropFrom(images[0] ?? '', 'one')).toBe('the claim of the suspend one');
  machines.push(buildDiskGuest(images));
});

test('a machine that has not run since it was restored has nothing new to save of its disks', () => {
  const { store } = saved('snapshot');
  const { machine } = loadMachine(store, 'one');
  machines.push(machine);
  expect(() => saveMachine(machine, store, 'two')).toThrow(
    'two: a machine that was restored has to run before its disks are saved again',
  );
  expect(existsSync(join(store.root, 'two'))).toBe(false);
});
