// SPDX-License-Identifier: BSD-2-Clause
import fc from 'fast-check';
import { TickRate } from '../../devices/tick-rate.js';

const rates = fc.constantFrom(32_768n, 1_193_182n, 3_579_545n, 16_777_216n);

test('a century of ticks is exact', () => {
  const seconds = 3_155_760_000n;
  expect(new TickRate(1_193_182n).ticksAt(seconds * 1_000_000_000n)).toBe(seconds * 1_193_182n);
});

test('timeOf is the first nanosecond of a tick', () => {
  fc.assert(
    fc.property(rates, fc.bigInt({ min: 1n, max: 1n << 50n }), (hertz, tick) => {
      const rate = new TickRate(hertz);
      const time = rate.timeOf(tick);
      expect(rate.ticksAt(time)).toBe(tick);
      expect(rate.ticksAt(time - 1n)).toBe(tick - 1n);
    }),
  );
});
