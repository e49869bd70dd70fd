// SPDX-License-Identifier: BSD-2-Clause
import fc from 'fast-check';
import { randomNumbers } from '../../support/random.js';
import { type FuzzStep, VirtioFuzz } from '../../support/virtio-fuzz.js';
import { FUZZ_TARGETS } from '../../support/virtio-fuzz-targets.js';

const u16 = fc.nat({ max: 0xffff });
const step: fc.Arbitrary<FuzzStep> = fc.tuple(u16, u16, u16, fc.nat({ max: 0xffffffff }));
const interfaces = fc.constantFrom('modern', 'transitional', 'legacy');

describe.each(FUZZ_TARGETS)('%s', (target) => {
  test('nothing that a driver does throws, or leaves a state that cannot be saved', () => {
    fc.assert(
      fc.property(interfaces, fc.array(step, { maxLength: 100 }), (which, steps) => {
        const fuzz = new VirtioFuzz(target, which as 'modern' | 'transitional' | 'legacy');
        for (const one of steps) fuzz.step(one);
        fuzz.saveAndLoad();
      }),
      { seed: 12, numRuns: 100 },
    );
  });

  test('nor does a long life', () => {
    const random = randomNumbers(1);
    const number = (end: number): number => Math.floor(end * random());
    const fuzz = new VirtioFuzz(target, 'transitional');
    for (let count = 0; count < 20_000; count += 1) {
      fuzz.step([number(0x10000), number(0x10000), number(0x10000), number(2 ** 32)]);
    }
    fuzz.saveAndLoad();
  });
});
