// SPDX-License-Identifier: BSD-2-Clause
import { byteCount } from '../../src/core/byte-count.js';

test.each([
  ['0', 0],
  ['512', 512 * 2 ** 20],
  ['1048576', 2 ** 20],
  ['4k', 4096],
  ['16MB', 16 * 2 ** 20],
  ['2G', 2 ** 31],
  ['1T', 2 ** 40],
])('%s', (text, expected) => {
  expect(byteCount(text)).toBe(expected);
});

test.each(['', 'M', '-1', '1.5G', '4X', ' 4'])("'%s' is no size", (text) => {
  expect(byteCount(text)).toBeNaN();
});
