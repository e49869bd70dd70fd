// SPDX-License-Identifier: BSD-2-Clause
import { readFileSync } from 'node:fs';
import { loadMachine } from '../../../src/snapshot/load-machine.js';
import { saveMachine } from '../../../src/snapshot/save-machine.js';
import { requestsOf } from '../../support/disk-guest.js';
import { advance } from '../../support/proof.js';
import { diskMachine, expectConsistent, newImages } from '../support/disk-subject.js';
import { temporaryStore } from '../support/temporary-store.js';
import { MS } from '../support/tick-subject.js';

test('the guest writes, and its disk holds what it says', () => {
  const machine = diskMachine(newImages(2), 5n * MS);
  expect(requestsOf(machine).every((count) => count > 20)).toBe(true);
  expectConsistent(machine);
  machine.close();
});

test('a snapshot has the disk of its instant, however far the guest goes on', () => {
  const images = newImages(2);
  const store = temporaryStore();
  const machine = diskMachine(images, 3n * MS);
  const before = requestsOf(machine);
  saveMachine(machine, store, 'one');
  advance(machine, 9n * MS);
  expectConsistent(machine);
  machine.close();
  for (const _ of [1, 2]) {
    const { machine: again, watch } = loadMachine(store, 'one');
    expect(requestsOf(again)).toEqual(before);
    expectConsistent(again);
    advance(again, 7n * MS);
    expectConsistent(again);
    watch?.settle();
    again.close();
  }
  expect(images.map((path) => readFileSync(path).length)).toEqual([65536, 65536]);
});
