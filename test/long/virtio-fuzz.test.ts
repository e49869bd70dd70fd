// SPDX-License-Identifier: BSD-2-Clause
/** Ten million operations of hostile drivers. */
import { collectGarbage } from '../../src/host/collect-garbage.js';
import { randomNumbers, testSeed } from '../support/random.js';
import { VirtioFuzz } from '../support/virtio-fuzz.js';
import { FUZZ_TARGETS } from '../support/virtio-fuzz-targets.js';

const OPERATIONS = 10_000_000;
const BETWEEN_COLLECTIONS = 100_000;
/** Far above what a device needs, far below what a leak of a few bytes an operation would take. */
const MOST_BYTES_GROWN = 64 * 1024 * 1024;

const INTERFACES = ['modern', 'transitional', 'legacy'] as const;
const cases = FUZZ_TARGETS.flatMap((target) => INTERFACES.map((interfaces) => [target, interfaces] as const));
const seed = testSeed();

test.each(cases)(`%s, %s (seed ${seed})`, (target, interfaces) => {
  const random = randomNumbers(seed);
  const number = (end: number): number => Math.floor(end * random());
  const fuzz = new VirtioFuzz(target, interfaces);
  let before: number | undefined;
  for (let count = 0; count < OPERATIONS / cases.length; count += 1) {
    fuzz.step([number(0x10000), number(0x10000), number(0x10000), number(2 ** 32)]);
    if (count % BETWEEN_COLLECTIONS === 0) {
      collectGarbage();
      before ??= process.memoryUsage().heapUsed;
    }
  }
  fuzz.saveAndLoad();
  collectGarbage();
  expect(process.memoryUsage().heapUsed - (before ?? 0)).toBeLessThan(MOST_BYTES_GROWN);
});
