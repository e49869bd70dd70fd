// SPDX-License-Identifier: BSD-2-Clause
import { nextPeriodic } from '../../../devices/isa/rtc-periodic.js';

const SECOND = 1_000_000_000n;

test.each([
  [1, 256n],
  [2, 128n],
  [3, 8192n],
  [6, 1024n],
  [15, 2n],
])('rate %d comes %d times a second, in the phase of VM time', (rate, perSecond) => {
  const first = nextPeriodic(0n, rate) ?? 0n;
  expect(first).toBe((SECOND + perSecond - 1n) / perSecond); // the first nanosecond that is not before it
  expect(nextPeriodic(first - 1n, rate)).toBe(first);
  expect(nextPeriodic(first, rate)).toBe((2n * SECOND + perSecond - 1n) / perSecond);
  expect(nextPeriodic(5n * SECOND - 1n, rate)).toBe(5n * SECOND);
});

test('rate 0 never comes', () => {
  expect(nextPeriodic(7n, 0)).toBeNull();
});
