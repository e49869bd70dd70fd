// SPDX-License-Identifier: BSD-2-Clause
import {
  CborError,
  type CborMap,
  type CborValue,
  compareKeys,
  MAJOR_ARRAY,
  MAJOR_BYTES,
  MAJOR_NEGATIVE,
  MAJOR_TAG,
  MAJOR_TEXT,
  MAJOR_UNSIGNED,
  SIMPLE_FALSE,
  SIMPLE_NULL,
  SIMPLE_TRUE,
} from './cbor-value.js';

/** What a decoder will accept from input that nobody has vouched for. */
export interface CborLimits {
  /** Arrays and maps inside one another. */
  readonly depth?: number;
  /** Values of every kind, map keys included. */
  readonly items?: number;
  /** Length of the whole input. */
  readonly bytes?: number;
}

const DEFAULT_LIMITS = { depth: 32, items: 1_000_000, bytes: 64 * 1024 * 1024 };
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Decodes exactly one value; anything `encode` would not have written is refused. */
export function decode(bytes: Uint8Array, limits: CborLimits = {}): CborValue {
  const bounds = { ...DEFAULT_LIMITS, ...limits };
  if (bytes.length > bounds.bytes) {
    throw new CborError(`CBOR: expected at most ${bounds.bytes} bytes, got ${bytes.length}`);
  }
  const reader = new Reader(bytes, bounds);
  const value = reader.value(0);
  reader.expectEnd();
  return value;
}

class Reader {
  private readonly view: DataView;
  private position = 0;
  private items = 0;

  constructor(
    private readonly input: Uint8Array,
    private readonly limits: Required<CborLimits>,
  ) {
    this.view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  }

  expectEnd(): void {
    const rest = this.remaining();
    if (rest > 0) throw this.problem(`${rest} bytes after the end of the value`);
  }

  value(depth: number): CborValue {
    this.countItem();
    const initial = this.byte();
    const major = initial >>> 5;
    if (major > MAJOR_TAG) return this.simple(initial);
    if (major === MAJOR_TAG) throw this.problem('tags are not accepted');
    const argument = this.argument(initial & 0x1f);
    switch (major) {
      case MAJOR_UNSIGNED:
        return argument;
      case MAJOR_NEGATIVE:
        return this.negative(argument);
      case MAJOR_BYTES:
        return this.take(argument).slice();
      case MAJOR_TEXT:
        return this.text(argument);
      case MAJOR_ARRAY:
        return this.array(argument, depth);
      default: // MAJOR_MAP
        return this.map(argument, depth);
    }
  }

  private simple(initial: number): CborValue {
    if (initial === SIMPLE_FALSE) return false;
    if (initial === SIMPLE_TRUE) return true;
    if (initial === SIMPLE_NULL) return null;
    throw this.problem('floats and simple values other than false, true and null are not accepted');
  }

  private negative(argument: number | bigint): CborValue {
    const value = -1n - BigInt(argument);
    return value >= -MAX_SAFE ? Number(value) : value;
  }

  private text(length: number | bigint): string {
    const bytes = this.take(length);
    try {
      return utf8.decode(bytes);
    } catch (cause) {
      throw this.problem('text is not valid UTF-8', { cause });
    }
  }

  private array(length: number | bigint, depth: number): CborValue[] {
    const count = this.enter(length, depth, 1);
    const list: CborValue[] = [];
    for (let index = 0; index < count; index += 1) list.push(this.value(depth + 1));
    return list;
  }

  private map(length: number | bigint, depth: number): CborMap {
    const count = this.enter(length, depth, 2);
    const map: CborMap = Object.create(null); // no prototype, so that a key "__proto__" is only a key
    let previous: Uint8Array | undefined;
    for (let index = 0; index < count; index += 1) {
      previous = this.key(previous);
      map[utf8.decode(previous)] = this.value(depth + 1);
    }
    return map;
  }

  private key(previous: Uint8Array | undefined): Uint8Array {
    this.countItem();
    const initial = this.byte();
    if (initial >>> 5 !== MAJOR_TEXT) throw this.problem('a map key must be text');
    const start = this.position - 1;
    const length = this.argument(initial & 0x1f);
    const text = this.text(length);
    const key = this.input.subarray(this.position - Number(length), this.position);
    const order = previous === undefined ? 1 : compareKeys(key, previous);
    if (order === 0) throw new CborError(`CBOR at byte ${start}: map key ${JSON.stringify(text)} appears twice`);
    if (order < 0) throw new CborError(`CBOR at byte ${start}: map key ${JSON.stringify(text)} is out of order`);
    return key;
  }

  /** Checks a count before anything is read for it: every entry takes at least `bytesEach` bytes. */
  private enter(length: number | bigint, depth: number, bytesEach: number): number {
    if (depth >= this.limits.depth) throw this.problem(`nested more than ${this.limits.depth} deep`);
    if (length > this.remaining() / bytesEach)
      throw this.problem(`${length} entries announced, but the input ends first`);
    return Number(length);
  }

  private take(length: number | bigint): Uint8Array {
    const rest = this.remaining();
    if (length > rest) throw this.problem(`${length} bytes announced, ${rest} left`);
    const start = this.position;
    this.position += Number(length);
    return this.input.subarray(start, this.position);
  }

  /** The argument of a head, refused unless it is written in the shortest form (RFC 8949 section 4.2.1). */
  private argument(info: number): number | bigint {
    if (info < 24) return info;
    if (info === 31) throw this.problem('indefinite lengths are not accepted');
    if (info > 27) throw this.problem('reserved length encoding');
    const size = 1 << (info - 24);
    const at = this.position;
    this.take(size);
    if (size === 8) return this.argument64(at);
    const value = size === 1 ? this.view.getUint8(at) : size === 2 ? this.view.getUint16(at) : this.view.getUint32(at);
    const shortest = size === 1 ? value >= 24 : size === 2 ? value > 0xff : value > 0xffff;
    if (!shortest) throw this.problem(`${value} is not in its shortest form`);
    return value;
  }

  private argument64(at: number): number | bigint {
    const value = this.view.getBigUint64(at);
    if (value <= 0xffff_ffffn) throw this.problem(`${value} is not in its shortest form`);
    return value <= MAX_SAFE ? Number(value) : value;
  }

  private byte(): number {
    if (this.remaining() === 0) throw this.problem('the input ends in the middle of a value');
    const value = this.view.getUint8(this.position);
    this.position += 1;
    return value;
  }

  private countItem(): void {
    this.items += 1;
    if (this.items > this.limits.items) throw this.problem(`more than ${this.limits.items} items`);
  }

  private remaining(): number {
    return this.input.length - this.position;
  }

  private problem(text: string, options?: ErrorOptions): CborError {
    return new CborError(`CBOR at byte ${this.position}: ${text}`, options);
  }
}
