// SPDX-License-Identifier: BSD-2-Clause
import { nextStatus } from '../../../devices/virtio/status.js';

const yes = (): boolean => true;
const no = (): boolean => false;

test.each([
  ['a driver in the right order', [1, 3, 11, 15], 15],
  ['several steps at once', [15], 15],
  ['DRIVER without ACKNOWLEDGE', [2], 0],
  ['FEATURES_OK without DRIVER', [1, 9], 1],
  ['DRIVER_OK without FEATURES_OK', [1, 3, 7], 3],
  ['bits taken away', [1, 3, 11, 4], 15],
  ['FAILED at any time', [0x80], 0x80],
  ['DEVICE_NEEDS_RESET, which is the device’s', [0x41], 1],
  ['bits that there are not', [0x31], 1],
])('%s', (_, writes, status) => {
  expect(writes.reduce((now, written) => nextStatus(now, written, 'modern', yes), 0)).toBe(status);
});

test('features that are refused leave FEATURES_OK clear, and all that needs it', () => {
  expect(nextStatus(3, 11, 'modern', no)).toBe(3);
  expect(nextStatus(3, 15, 'modern', no)).toBe(3);
});

test('the legacy interface has no FEATURES_OK', () => {
  expect(nextStatus(3, 7, 'legacy', yes)).toBe(7);
  expect(nextStatus(3, 11, 'legacy', yes)).toBe(3);
  expect(nextStatus(0, 4, 'legacy', yes)).toBe(0);
});
