// SPDX-License-Identifier: BSD-2-Clause
import fc from 'fast-check';
import { OutputHistory } from '../../../src/host/console/output-history.js';

test('it has the last bytes of what was added since it was taken, in order', () => {
  const piece = fc.uint8Array({ maxLength: 20 });
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.constant('take' as const)), { maxLength: 30 }), (steps) => {
      const history = new OutputHistory(8);
      let all: number[] = [];
      for (const step of steps) {
        if (step === 'take') {
          expect([...history.bytes]).toEqual(all.slice(-8));
          expect([...history.take()]).toEqual(all.slice(-8));
          all = [];
        } else {
          history.add(step);
          all.push(...step);
        }
      }
      expect([...history.take()]).toEqual(all.slice(-8));
    }),
  );
});
