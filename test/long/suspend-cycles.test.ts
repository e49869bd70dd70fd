// SPDX-License-Identifier: BSD-2-Clause
/** A thousand suspends and resumes of a guest that writes leave nothing behind on its disks. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ResumedMachine } from '../../src/snapshot/resumed-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { diskMachine, expectConsistent, newImages } from '../snapshot/support/disk-subject.js';
import { temporaryStore } from '../snapshot/support/temporary-store.js';
import { MS } from '../snapshot/support/tick-subject.js';
import { advance } from '../support/proof.js';

const CYCLES = 1000;
/** By then every sector that the guest uses has been written. */
const SETTLED = 100;

test.each([false, true])(`${CYCLES} cycles (on a disk with a layer: %s)`, (isLayered) => {
  const store = temporaryStore();
  const [image = ''] = newImages(1);
  const files = (): string[] => {
    const folder = `${image}.tsbhyve`;
    const size = (path: string): string => `${statSync(path).size} ${statSync(path).blocks}`;
    // HEAD counts its changes in digits, and so does the spare one.
    const sizes = readdirSync(folder).map((name) => {
      const path = join(folder, name);
      return `${name} ${name.endsWith('HEAD') ? statSync(path).blocks : size(path)}`;
    });
    return [size(image), ...sizes];
  };
  let machine = diskMachine([image], MS);
  if (isLayered) saveMachine(machine, store, 'kept');
  let settled: string[] = [];
  for (let cycle = 0; cycle < CYCLES; cycle += 1) {
    saveMachine(machine, store, 'suspend', { kind: 'suspend' });
    machine.close();
    if (cycle === SETTLED) settled = files();
    const resumed = ResumedMachine.load({ store: store.root, name: 'suspend', keep: false, overrides: {} }, {});
    ({ machine } = resumed);
    advance(machine, machine.time + MS / 2n);
    while (store.list().some(({ name }) => name === 'suspend')) expect(resumed.poll(() => {})).toBeNull();
  }
  expectConsistent(machine);
  saveMachine(machine, store, 'suspend', { kind: 'suspend' });
  machine.close();
  expect(files()).toEqual(settled);
});
