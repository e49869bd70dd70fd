// SPDX-License-Identifier: BSD-2-Clause
import { createCipheriv } from 'node:crypto';
import { keyStream } from '../../../devices/virtio/key-stream.js';

const key = Uint8Array.from({ length: 32 }, (_, index) => 7 * index + 1);

/** OpenSSL's ChaCha20; its 16 bytes of counter and nonce are one number in ours. */
function expected(counter: bigint, length: number): Buffer {
  const place = Buffer.alloc(16);
  place.writeBigUInt64LE(counter);
  return createCipheriv('chacha20', key, place).update(Buffer.alloc(length));
}

test.each([
  [0n, 64],
  [0n, 200],
  [41n, 1],
  [0xffff_fffen, 64],
  [2n ** 40n, 130],
])('block %d, %d bytes', (counter, length) => {
  const bytes = new Uint8Array(length);
  expect(keyStream(key, counter, bytes)).toBe(counter + BigInt(Math.ceil(length / 64)));
  expect(Buffer.from(bytes)).toEqual(expected(counter, length));
});

test('no block is used twice', () => {
  const [first, second] = [new Uint8Array(10), new Uint8Array(10)];
  keyStream(key, keyStream(key, 0n, first), second);
  expect(second).not.toEqual(first);
  expect(keyStream(key, 2n ** 64n - 1n, first)).toBe(0n);
});
