// SPDX-License-Identifier: BSD-2-Clause
/** Power cuts at every point of the lives of stores that are drawn. Uses dist. */
import { examineAll, recorded } from '../crash/support/recording.js';
import { canShim } from '../crash/support/shim.js';
import { MS, tickMachine } from '../snapshot/support/tick-subject.js';
import { randomNumbers, testSeed } from '../support/random.js';

const seed = testSeed();
const machine = tickMachine(MS);
afterAll(() => machine.close());

const lives = Array.from({ length: 40 }, (_, index) => String((seed + index) >>> 0));
(canShim ? test : test.skip).each(lives)('seed %s', (life) => {
  const options = { random: randomNumbers(seed), tears: 4 };
  expect(examineAll(recorded(life).log, machine, options)).toBeGreaterThan(20);
});
