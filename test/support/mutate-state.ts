// SPDX-License-Identifier: BSD-2-Clause
/** Saved states with something in them that does not belong there. */
import { type CborMap, type CborValue, isMap } from '../../src/core/cbor.js';

type Random = () => number;
type Path = readonly (string | number)[];

const NUMBERS: readonly CborValue[] = [
  ...[0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 0x7fff, 0xffff, 0x1_0000, 0x7fff_ffff, 0xffff_ffff],
  ...[2 ** 32, 2 ** 53 - 1, 2n ** 53n, 2n ** 62n - 1n, 2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, -1],
];
const OTHERS: readonly CborValue[] = [null, true, false, '', 'x', 'kvm', 'ready', [], [0], {}, new Uint8Array(0)];
const BYTES_MAX = 100_000;

export function pick<T>(random: Random, from: readonly T[]): T {
  const value = from[Math.floor(random() * from.length)];
  if (value === undefined) throw new Error('nothing to pick from');
  return value;
}

/** Any 64 bits; small ones, large ones and powers of two are likely. */
export function anyWord(random: Random): bigint {
  const word = (BigInt(Math.floor(random() * 2 ** 32)) << 32n) | BigInt(Math.floor(random() * 2 ** 32));
  return pick(random, [word, word >> BigInt(Math.floor(random() * 64)), 1n << BigInt(Math.floor(random() * 64)), 0n]);
}

/** The form that a decoder gives. */
export function number(value: bigint): CborValue {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

export function anyBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => Math.floor(random() * 256));
}

/** A copy with one change somewhere. */
export function mutated(tree: CborValue, random: Random): CborValue {
  return changed(tree, pick(random, pathsOf(tree)), random);
}

function pathsOf(value: CborValue, path: Path = []): Path[] {
  const inner = Array.isArray(value) ? [...value.entries()] : isMap(value) ? Object.entries(value) : [];
  return [path, ...inner.flatMap(([key, part]) => pathsOf(part, [...path, key]))];
}

function changed(value: CborValue, [key, ...rest]: Path, random: Random): CborValue {
  if (key === undefined) return replacement(value, random);
  if (Array.isArray(value)) return value.map((part, at) => (at === key ? changed(part, rest, random) : part));
  const map = value as CborMap; // the path came from this very tree
  return { ...map, [key]: changed(map[key] ?? null, rest, random) };
}

function replacement(value: CborValue, random: Random): CborValue {
  if (random() < 0.15) return pick(random, [...NUMBERS, ...OTHERS]);
  if (typeof value === 'number' || typeof value === 'bigint') {
    return random() < 0.5 ? pick(random, NUMBERS) : number(anyWord(random));
  }
  if (value instanceof Uint8Array) return replacedBytes(value, random);
  if (typeof value === 'boolean') return !value;
  if (Array.isArray(value)) return pick(random, [value.slice(1), [...value, ...value.slice(0, 1)], value.toReversed()]);
  if (isMap(value)) {
    const keys = Object.keys(value);
    if (keys.length === 0 || random() < 0.3) return { ...value, extra: 0 };
    const { [pick(random, keys)]: _gone, ...others } = value;
    return others;
  }
  return pick(random, [...NUMBERS, ...OTHERS]);
}

function replacedBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice();
  for (let count = 1 + Math.floor(random() * 8); count > 0 && copy.length > 0; count -= 1) {
    copy[Math.floor(random() * copy.length)] = Math.floor(random() * 256);
  }
  return pick(random, [
    copy,
    copy,
    anyBytes(random, bytes.length),
    copy.subarray(0, Math.floor(random() * (copy.length + 1))),
    new Uint8Array(bytes.length).fill(255),
    new Uint8Array(Math.floor(random() * BYTES_MAX)),
  ]);
}
