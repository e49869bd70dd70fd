// SPDX-License-Identifier: BSD-2-Clause
/** Random bytes that are the same in every run. */

export const KEY_LENGTH = 32;
const BLOCK = 64;
const WORDS = 16;
const DOUBLE_ROUNDS = 10;
/** RFC 8439 §2.3: "expand 32-byte k" in four words. */
const CONSTANTS = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const;

// biome-ignore format: one quarter round a row; columns first, then diagonals
const QUARTERS = [
  [0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15],
  [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14],
] as const;

/**
 * The ChaCha20 key stream (RFC 8439) as a generator that gives the same bytes in every run: `counter` numbers blocks of
 * 64 bytes over all 128 bits of counter and nonce. Returns the counter after the last block that was used.
 */
export function keyStream(key: Uint8Array, counter: bigint, bytes: Uint8Array): bigint {
  const keyView = new DataView(key.buffer, key.byteOffset, key.byteLength);
  let next = counter;
  for (let done = 0; done < bytes.length; done += BLOCK) {
    bytes.set(block(keyView, next).subarray(0, bytes.length - done), done);
    next = BigInt.asUintN(64, next + 1n);
  }
  return next;
}

function block(key: DataView, counter: bigint): Uint8Array {
  const input = new Uint32Array(WORDS);
  input.set(CONSTANTS);
  for (let word = 0; word < 8; word += 1) input[4 + word] = key.getUint32(4 * word, true);
  input[12] = Number(BigInt.asUintN(32, counter));
  input[13] = Number(counter >> 32n);
  const words = input.slice();
  for (let round = 0; round < DOUBLE_ROUNDS; round += 1) {
    for (const [a, b, c, d] of QUARTERS) quarterRound(words, a, b, c, d);
  }
  const output = new DataView(new ArrayBuffer(BLOCK));
  for (let word = 0; word < WORDS; word += 1) output.setUint32(4 * word, at(words, word) + at(input, word), true);
  return new Uint8Array(output.buffer);
}

function quarterRound(words: Uint32Array, a: number, b: number, c: number, d: number): void {
  const half = (x: number, y: number, z: number, distance: number): void => {
    words[x] = at(words, x) + at(words, y);
    const mixed = at(words, z) ^ at(words, x);
    words[z] = (mixed << distance) | (mixed >>> (32 - distance));
  };
  half(a, b, d, 16);
  half(c, d, b, 12);
  half(a, b, d, 8);
  half(c, d, b, 7);
}

function at(words: Uint32Array, index: number): number {
  return words[index] ?? 0;
}
