// SPDX-License-Identifier: BSD-2-Clause
/** The types of fields in 9P messages: little-endian integers, counted strings, counted bytes, qids. */
import { refuse } from './ninep-error.js';

export interface Codec<T> {
  read(from: MessageReader): T;
  write(to: MessageWriter, value: T): void;
}

/** The fields of a message, in their order. */
export type Struct = Readonly<Record<string, Codec<unknown>>>;
export type Values<S extends Struct> = { readonly [K in keyof S]: S[K] extends Codec<infer T> ? T : never };

export class MessageReader {
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    private at: number,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** A field that goes beyond the end of its message is the guest's mistake. */
  skip(length: number): number {
    const { at } = this;
    if (length > this.bytes.length - at) refuse('EPROTO');
    this.at += length;
    return at;
  }

  integer(width: 1 | 2 | 4): number {
    const at = this.skip(width);
    if (width === 1) return this.view.getUint8(at);
    return width === 2 ? this.view.getUint16(at, true) : this.view.getUint32(at, true);
  }

  long(): bigint {
    return this.view.getBigUint64(this.skip(8), true);
  }

  part(length: number): Uint8Array {
    const at = this.skip(length);
    return this.bytes.subarray(at, at + length);
  }
}

export class MessageWriter {
  private bytes = new Uint8Array(256);
  private view = new DataView(this.bytes.buffer);
  private length = 0;

  integer(width: 1 | 2 | 4, value: number): void {
    const at = this.take(width);
    if (width === 1) this.view.setUint8(at, value);
    else if (width === 2) this.view.setUint16(at, value, true);
    else this.view.setUint32(at, value, true);
  }

  long(value: bigint): void {
    this.view.setBigUint64(this.take(8), value, true);
  }

  part(bytes: Uint8Array): void {
    const at = this.take(bytes.length);
    this.bytes.set(bytes, at);
  }

  /** The message, with its length in front. */
  finish(): Uint8Array {
    this.view.setUint32(0, this.length, true);
    return this.bytes.subarray(0, this.length);
  }

  private take(length: number): number {
    const at = this.length;
    this.length += length;
    if (this.length > this.bytes.length) {
      const larger = new Uint8Array(2 * this.length);
      larger.set(this.bytes);
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    return at;
  }
}

function integer(width: 1 | 2 | 4): Codec<number> {
  return { read: (from) => from.integer(width), write: (to, value) => to.integer(width, value) };
}

export const byte = integer(1);
export const short = integer(2);
export const int = integer(4);
export const long: Codec<bigint> = { read: (from) => from.long(), write: (to, value) => to.long(value) };

/** A byte in each character: nobody promises that names on a host are UTF-8. */
export const text: Codec<string> = {
  read: (from) => String.fromCharCode(...from.part(checkedTextLength(from.integer(2)))),
  write: (to, value) => {
    to.integer(2, value.length);
    to.part(Uint8Array.from(value, (character) => character.charCodeAt(0)));
  },
};

/** Names and targets of links have at most this much on Linux. */
const LONGEST_TEXT = 4096;

function checkedTextLength(length: number): number {
  if (length > LONGEST_TEXT) refuse('ENAMETOOLONG');
  return length;
}

/** Bytes with their number in front. */
export const data: Codec<Uint8Array> = {
  read: (from) => from.part(from.integer(4)),
  write: (to, value) => {
    to.integer(4, value.length);
    to.part(value);
  },
};

/** What a file is for a client: its type, a version that changes with its content, and a number for ever. */
export interface Qid {
  readonly type: number;
  readonly version: number;
  readonly path: bigint;
}

export const qid: Codec<Qid> = {
  read: (from) => ({ type: from.integer(1), version: from.integer(4), path: from.long() }),
  write: (to, { type, version, path }) => {
    to.integer(1, type);
    to.integer(4, version);
    to.long(path);
  },
};

/** At most 16 of something (9P2000, walk(5): MAXWELEM). */
export function few<T>(element: Codec<T>): Codec<readonly T[]> {
  return {
    read: (from) => {
      const count = from.integer(2);
      if (count > 16) refuse('EINVAL');
      return Array.from({ length: count }, () => element.read(from));
    },
    write: (to, values) => {
      to.integer(2, values.length);
      for (const value of values) element.write(to, value);
    },
  };
}

export function readStruct<S extends Struct>(struct: S, from: MessageReader): Values<S> {
  const values: Record<string, unknown> = {};
  for (const [name, codec] of Object.entries(struct)) values[name] = codec.read(from);
  return values as Values<S>; // built name by name from S itself
}

export function writeStruct<S extends Struct>(struct: S, to: MessageWriter, values: Values<S>): void {
  for (const [name, codec] of Object.entries(struct)) codec.write(to, values[name]);
}
