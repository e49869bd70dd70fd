// SPDX-License-Identifier: BSD-2-Clause
import {
  CborError,
  type CborMap,
  type CborValue,
  compareKeys,
  MAJOR_ARRAY,
  MAJOR_BYTES,
  MAJOR_MAP,
  MAJOR_NEGATIVE,
  MAJOR_TEXT,
  MAJOR_UNSIGNED,
  SIMPLE_FALSE,
  SIMPLE_NULL,
  SIMPLE_TRUE,
} from './cbor-value.js';
import { joinPath } from './state-error.js';

const MAX_DEPTH = 64;
const UINT64_END = 1n << 64n;
const PLAIN = /^[ -~]*$/;
const LONE_SURROGATE = /\p{Surrogate}/u;
const utf8 = new TextEncoder();

/** Encodes a value; equal values give equal bytes, whatever the order of their keys. */
export function encode(value: CborValue): Uint8Array {
  const writer = new Writer();
  writer.value(value, '', MAX_DEPTH);
  return writer.finish();
}

class Writer {
  private buffer = new Uint8Array(256);
  private view = new DataView(this.buffer.buffer);
  private length = 0;

  finish(): Uint8Array {
    return this.buffer.slice(0, this.length);
  }

  value(value: CborValue, path: string, depth: number): void {
    if (depth === 0) throw new CborError(`${path}: nested more than ${MAX_DEPTH} deep`);
    if (value === null) this.byte(SIMPLE_NULL);
    else if (typeof value === 'boolean') this.byte(value ? SIMPLE_TRUE : SIMPLE_FALSE);
    else if (typeof value === 'number') this.number(value, path);
    else if (typeof value === 'bigint') this.integer(value, path);
    else if (typeof value === 'string') this.string(MAJOR_TEXT, this.utf8(value, path));
    else if (value instanceof Uint8Array) this.string(MAJOR_BYTES, value);
    else if (Array.isArray(value)) this.array(value, path, depth);
    else if (typeof value === 'object') this.map(value, path, depth);
    else throw new CborError(`${path}: a ${typeof value} cannot be saved`);
  }

  private array(items: CborValue[], path: string, depth: number): void {
    this.head(MAJOR_ARRAY, items.length);
    for (const [index, item] of items.entries()) this.value(item, `${path}[${index}]`, depth - 1);
  }

  private map(map: CborMap, path: string, depth: number): void {
    const entries = Object.entries(map).map(([key, item]) => ({ key, name: this.utf8(key, path), item }));
    entries.sort((a, b) => compareKeys(a.name, b.name));
    this.head(MAJOR_MAP, entries.length);
    for (const { key, name, item } of entries) {
      this.string(MAJOR_TEXT, name);
      this.value(item, joinPath(path, key), depth - 1);
    }
  }

  private number(value: number, path: string): void {
    if (!Number.isSafeInteger(value)) throw new CborError(`${path}: expected a safe integer, got ${value}`);
    if (value >= 0) this.head(MAJOR_UNSIGNED, value);
    else this.head(MAJOR_NEGATIVE, -1 - value);
  }

  private integer(value: bigint, path: string): void {
    const argument = value < 0n ? -1n - value : value;
    if (argument >= UINT64_END) throw new CborError(`${path}: ${value} does not fit in 64 bits`);
    const major = value < 0n ? MAJOR_NEGATIVE : MAJOR_UNSIGNED;
    if (argument <= BigInt(Number.MAX_SAFE_INTEGER)) this.head(major, Number(argument));
    else this.head64(major, argument);
  }

  private string(major: number, bytes: Uint8Array): void {
    this.head(major, bytes.length);
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  private utf8(value: string, path: string): Uint8Array {
    if (!PLAIN.test(value) && LONE_SURROGATE.test(value))
      throw new CborError(`${path}: ${JSON.stringify(value)} is not well-formed text`);
    return utf8.encode(value);
  }

  /** The shortest head for `argument`, RFC 8949 section 4.2.1. */
  private head(major: number, argument: number): void {
    const type = major << 5;
    this.reserve(9);
    if (argument < 24) {
      this.byte(type | argument);
    } else if (argument <= 0xff) {
      this.view.setUint8(this.length, type | 24);
      this.view.setUint8(this.length + 1, argument);
      this.length += 2;
    } else if (argument <= 0xffff) {
      this.view.setUint8(this.length, type | 25);
      this.view.setUint16(this.length + 1, argument);
      this.length += 3;
    } else if (argument > 0xffff_ffff) {
      this.head64(major, BigInt(argument));
    } else {
      this.view.setUint8(this.length, type | 26);
      this.view.setUint32(this.length + 1, argument);
      this.length += 5;
    }
  }

  private head64(major: number, argument: bigint): void {
    this.reserve(9);
    this.view.setUint8(this.length, (major << 5) | 27);
    this.view.setBigUint64(this.length + 1, argument);
    this.length += 9;
  }

  private byte(value: number): void {
    this.reserve(1);
    this.view.setUint8(this.length, value);
    this.length += 1;
  }

  private reserve(count: number): void {
    if (this.length + count <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(this.buffer.length * 2, this.length + count));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
    this.view = new DataView(grown.buffer);
  }
}
