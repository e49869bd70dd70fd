// SPDX-License-Identifier: BSD-2-Clause
/** Ten million operations of hostile drivers. */
import { collectGarbage } from '../../src/host/collect-garbage.js';
import { randomNumbers, testSeed } from '../support/random.js';
import { VirtioFuzz } from '../support/virtio-fuzz.js';
import { FUZZ_TARGETS } from '../support/virtio-fuzz-targets.js';

const OPERATIONS = 10_000_000;
const BETWEEN_COLLECTIONS = 100_000;
/** Of the processors' time, in microseconds: nobody may keep the machine's thread for longer. */
const MOST_IN_ONE_TURN = 100_000;
/** Far above what a device needs, far below what a leak of a few bytes an operation would take. */
const MOST_BYTES_GROWN = 64 * 1024 * 1024;

const INTERFACES = ['modern', 'transitional', 'legacy'] as const;
const cases = FUZZ_TARGETS.flatMap((target) => INTERFACES.map((interfaces) => [target, interfaces] as const));
const seed = testSeed();

function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

test.each(cases)(`%s, %s (seed ${seed})`, (target, interfaces) => {
  const random = randomNumbers(seed);
  const number = (end: number): number => Math.floor(end * random());
  const fuzz = new VirtioFuzz(target, interfaces, processorTime);
  const { turns } = fuzz;
  let before: number | undefined;
  let longest = 0;
  for (let count = 0; count < OPERATIONS / cases.length; count += 1) {
    const step = [number(0x10000), number(0x10000), number(0x10000), number(2 ** 32)] as const;
    const [started, spent] = [processorTime(), turns.spent];
    fuzz.step(step);
    // When a while passes, many turns follow each other; the guest would run in between.
    longest = Math.max(longest, turns.dearest, processorTime() - started - (turns.spent - spent));
    if (count % BETWEEN_COLLECTIONS === 0) {
      collectGarbage();
      before ??= process.memoryUsage().heapUsed;
    }
  }
  expect(longest).toBeLessThan(MOST_IN_ONE_TURN);
  fuzz.saveAndLoad();
  collectGarbage();
  expect(process.memoryUsage().heapUsed - (before ?? 0)).toBeLessThan(MOST_BYTES_GROWN);
});
