// SPDX-License-Identifier: BSD-2-Clause
/** A VM is killed at every step of what it does to its disks, and each of them fails. Uses dist. */
import { setImmediate } from 'node:timers/promises';
import { canShim, SCRATCH } from '../crash/support/shim.js';
import { callsOf, failedAt, killedAt } from '../crash/support/vm-disk-kill.js';
import { LIVES } from '../crash/support/vm-disk-lives.js';
import { sharingFolder } from '../support/sharing-folder.js';

const MOST_STEPS = 8;
const lives = Object.keys(LIVES);

/** Node frees what closed machines had for JavaScript from its event loop only. */
const memoryGivenBack = (): Promise<void> => setImmediate();

function trials(parent: string): void {
  test.each(lives)('%s, killed', async (life) => {
    const calls = callsOf(life, parent);
    expect(calls).toBeGreaterThan(40);
    for (let call = 1; call <= calls; call += 1) {
      killedAt(life, call, parent);
      await memoryGivenBack();
    }
  });

  test.each(lives.flatMap((life) => [[life, 'EIO'] as const, [life, 'ENOSPC'] as const]))(
    '%s, %s',
    async (life, error) => {
      let faults = 0;
      for (let step = 1; step <= MOST_STEPS; step += 1) {
        for (let call = 1; failedAt(life, { step, call, error }, parent); call += 1) {
          faults += 1;
          await memoryGivenBack();
        }
      }
      expect(faults).toBeGreaterThan(40);
    },
  );
}

(canShim ? describe : describe.skip)('disks', () => trials(SCRATCH));

/** There a restore puts a clone in the place of the image, in more than one step. */
const sharing = canShim ? sharingFolder(SCRATCH) : 'the shim steps into the calls of glibc';
if (typeof sharing === 'string') {
  test.skip(`disks on a file system that shares blocks (${sharing})`, () => {});
} else {
  afterAll(sharing.release);
  describe('disks on a file system that shares blocks', () => trials(sharing.folder));
}
