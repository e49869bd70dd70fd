// SPDX-License-Identifier: BSD-2-Clause
import { randomInt } from 'node:crypto';

/** Seed of this run: TSBHYVE_TEST_SEED repeats an earlier one. */
export function testSeed(): number {
  const given = process.env.TSBHYVE_TEST_SEED;
  return given === undefined ? randomInt(2 ** 32) : Number(given);
}

/** Numbers from 0 (inclusive) to 1 (exclusive), the same for the same seed: a Weyl sequence, mixed as in MurmurHash3. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e37_79b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85eb_ca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}
