// SPDX-License-Identifier: BSD-2-Clause
import { drawnAddress } from '../../../devices/virtio/net-address.js';

test('an address that is drawn is local, of one card, and another one at another place', () => {
  const seed = Uint8Array.of(0xff, 1, 2, 3, 4, 0xff, 9, 9);
  expect(drawnAddress(seed, 0)).toEqual(Uint8Array.of(0xfe, 1, 2, 3, 4, 0xff));
  expect(drawnAddress(seed, 0x20)).toEqual(Uint8Array.of(0xfe, 1, 2, 3, 4, 0x1f));
  expect(drawnAddress(new Uint8Array(6), 1)).toEqual(Uint8Array.of(2, 0, 0, 0, 0, 1));
  expect(() => drawnAddress(new Uint8Array(5), 0)).toThrow('a seed of 5 bytes: expected at least 6');
});
