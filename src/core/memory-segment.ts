// SPDX-License-Identifier: BSD-2-Clause
/** A piece of guest memory: where it lies, and how it is read and written. */
import { hex } from './bits.js';

export interface MemorySegment {
  readonly base: number;
  readonly bytes: Uint8Array;
  /** Firmware: stores through `GuestMemory` are dropped, as on a real bus. */
  readonly readOnly?: boolean;
}

/** The same with views for every kind of access. */
export interface Segment {
  readonly base: number;
  readonly end: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** For atomic access. */
  readonly words: Uint16Array;
  readonly readOnly: boolean;
}

export function openSegment({ base, bytes, readOnly = false }: MemorySegment): Segment {
  const end = base + bytes.length;
  if (
    !Number.isSafeInteger(base) ||
    base < 0 ||
    base % 2 !== 0 ||
    bytes.length % 2 !== 0 ||
    bytes.byteOffset % 2 !== 0
  ) {
    throw new RangeError(`guest memory: expected a segment aligned to 2 bytes, got ${bytes.length} at ${hex(base)}`);
  }
  const { buffer, byteOffset, length } = bytes;
  return {
    base,
    end,
    bytes,
    view: new DataView(buffer, byteOffset, length),
    words: new Uint16Array(buffer, byteOffset, length / 2),
    readOnly,
  };
}
