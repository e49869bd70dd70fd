// SPDX-License-Identifier: BSD-2-Clause
/** Addresses of network cards. Reference: IEEE Std 802-2014 §8.2, the bits of an address's first byte. */
import { MAC_LENGTH } from './net-backend.js';

const GROUP = 0x01;
/** Not of a maker's. */
const LOCAL = 0x02;

export function sameAddress(one: Uint8Array, other: Uint8Array): boolean {
  return one.every((byte, index) => byte === other[index]);
}

/** Follows from a random seed of at least six bytes; cards at different places have different ones. */
export function drawnAddress(seed: Uint8Array, place: number): Uint8Array {
  const address = seed.slice(0, MAC_LENGTH);
  if (address.length < MAC_LENGTH)
    throw new RangeError(`a seed of ${seed.length} bytes: expected at least ${MAC_LENGTH}`);
  address[0] = ((address[0] ?? 0) & ~GROUP) | LOCAL;
  const last = MAC_LENGTH - 1;
  address[last] = (address[last] ?? 0) + place;
  return address;
}
