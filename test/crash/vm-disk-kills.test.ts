// SPDX-License-Identifier: BSD-2-Clause
/** A VM is killed at any step of what it does to its disks, or that step fails: the next start finds them consistent. Uses dist. */
import { randomNumbers, testSeed } from '../support/random.js';
import { canShim } from './support/shim.js';
import { callsOf, failedAt, killedAt } from './support/vm-disk-kill.js';
import { LIVES } from './support/vm-disk-lives.js';

jest.setTimeout(300_000);

/** Of each life; test/long tries every call. */
const KILLS = 2;
const FAULTS = 3;
const MOST_TRIALS = 30;
/** Most have as many. */
const CALLS_OF_A_STEP = 40;
const seed = testSeed();

(canShim ? describe : describe.skip)(`seed ${seed}`, () => {
  const random = randomNumbers(seed);
  test.each(Object.keys(LIVES))('%s', (life) => {
    const calls = callsOf(life);
    expect(calls).toBeGreaterThan(40);
    const any = (count: number): number => 1 + Math.floor(random() * count);
    for (let kill = 0; kill < KILLS; kill += 1) killedAt(life, any(calls));
    let faults = 0;
    for (let trial = 0; trial < MOST_TRIALS && faults < FAULTS; trial += 1) {
      const error = faults % 2 === 0 ? 'EIO' : 'ENOSPC';
      // Some steps have fewer calls than the one that is drawn.
      if (failedAt(life, { step: any(2), call: any(CALLS_OF_A_STEP), error })) faults += 1;
    }
    expect(faults).toBe(FAULTS);
  });
});
