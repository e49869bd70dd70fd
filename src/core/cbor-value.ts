// SPDX-License-Identifier: BSD-2-Clause
/**
 * The values a saved state is made of, and CBOR in core deterministic encoding (RFC 8949 section 4.2.1).
 * Left out on purpose, and refused when read: floats, tags, `undefined`, indefinite lengths, map keys that are not text.
 */
export type CborValue = null | boolean | number | bigint | string | Uint8Array | CborValue[] | CborMap;
export type CborMap = { [key: string]: CborValue };

export class CborError extends Error {
  override readonly name = 'CborError';
}

export const MAJOR_UNSIGNED = 0;
export const MAJOR_NEGATIVE = 1;
export const MAJOR_BYTES = 2;
export const MAJOR_TEXT = 3;
export const MAJOR_ARRAY = 4;
export const MAJOR_MAP = 5;
export const MAJOR_TAG = 6;

export const SIMPLE_FALSE = 0xf4;
export const SIMPLE_TRUE = 0xf5;
export const SIMPLE_NULL = 0xf6;

export function isMap(value: CborValue | undefined): value is CborMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

/**
 * RFC 8949 section 4.2.1 sorts keys by their encoded bytes. The head carries the length first, so that a shorter key
 * comes before a longer one whatever its letters.
 */
export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return a.length - b.length;
  for (const [index, byte] of a.entries()) {
    const difference = byte - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
