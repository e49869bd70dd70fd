// SPDX-License-Identifier: BSD-2-Clause
/** A VM is killed at every step of what it does to its disks, and each of them fails. Uses dist. */
import { canShim } from '../crash/support/shim.js';
import { callsOf, failedAt, killedAt } from '../crash/support/vm-disk-kill.js';
import { LIVES } from '../crash/support/vm-disk-lives.js';

const MOST_STEPS = 8;
const lives = Object.keys(LIVES);

(canShim ? describe : describe.skip)('disks', () => {
  test.each(lives)('%s, killed', (life) => {
    const calls = callsOf(life);
    for (let call = 1; call <= calls; call += 1) killedAt(life, call);
  });

  test.each(lives.flatMap((life) => [[life, 'EIO'] as const, [life, 'ENOSPC'] as const]))('%s, %s', (life, error) => {
    let faults = 0;
    for (let step = 1; step <= MOST_STEPS; step += 1) {
      for (let call = 1; failedAt(life, step, call, error); call += 1) faults += 1;
    }
    expect(faults).toBeGreaterThan(40);
  });
});
