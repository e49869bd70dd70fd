// SPDX-License-Identifier: BSD-2-Clause
/** A buffer that a driver has made available: spans of guest memory, those to be read before those to be written. */
import type { GuestMemory } from '../../src/core/guest-memory.js';

/** What a driver has put into a ring breaks the rules: the device needs a reset. */
export class RingFault extends Error {
  override readonly name = 'RingFault';
}

export interface Span {
  readonly address: number;
  readonly length: number;
}

/** What the ring needs back when the buffer has been used. */
export interface ChainId {
  /** Index of the first descriptor; in a packed ring the buffer's id. */
  readonly head: number;
  /** Places in the ring that it takes. */
  readonly slots: number;
}

export interface Chain extends ChainId {
  readonly readable: readonly Span[];
  readonly writable: readonly Span[];
  readonly readableLength: number;
  readonly writableLength: number;
}

export interface Descriptor {
  readonly addressLow: number;
  readonly addressHigh: number;
  readonly length: number;
  readonly flags: number;
}

export const DESC_NEXT = 0x1;
export const DESC_WRITE = 0x2;
export const DESC_INDIRECT = 0x4;
export const DESCRIPTOR_SIZE = 16;

/** VIRTIO-1.2 §2.7.4.2 and §2.8.5: more than 2^32 bytes in one buffer are not allowed. */
const LONGEST_CHAIN = 2 ** 32;
/** Guest addresses that can be memory at all have fewer bits than this in their upper half. */
const ADDRESS_HIGH_END = 2 ** 20;

/** Collects descriptors into a chain, and checks what holds for rings of both formats. */
export class ChainBuilder {
  private readonly readable: Span[] = [];
  private readonly writable: Span[] = [];
  private readableLength = 0;
  private writableLength = 0;
  private count = 0;

  constructor(
    private readonly memory: GuestMemory,
    private readonly queueSize: number,
  ) {}

  add(descriptor: Descriptor): void {
    this.count += 1;
    // Also what ends a loop of descriptors (§2.7.5.2).
    if (this.count > this.queueSize) throw new RingFault(`a chain of more than ${this.queueSize} descriptors`);
    const { length, flags } = descriptor;
    const address = checkedAddress(this.memory, descriptor, length);
    if (flags & DESC_WRITE) {
      this.writable.push({ address, length });
      this.writableLength += length;
    } else {
      if (this.writable.length > 0) throw new RingFault('a descriptor to be read after one to be written');
      this.readable.push({ address, length });
      this.readableLength += length;
    }
    if (this.readableLength + this.writableLength > LONGEST_CHAIN) throw new RingFault('a chain of more than 4 GiB');
  }

  chain(head: number, slots: number): Chain {
    const { readable, writable, readableLength, writableLength } = this;
    return { head, slots, readable, writable, readableLength, writableLength };
  }
}

/** The whole span must be memory: neither a hole, nor a device, nor the end of the address space may be in it. */
export function checkedAddress(memory: GuestMemory, { addressLow, addressHigh }: Descriptor, length: number): number {
  const address = addressHigh * 2 ** 32 + addressLow;
  if (addressHigh >= ADDRESS_HIGH_END || !memory.contains(address, length)) {
    throw new RingFault(`a descriptor of ${length} bytes at 0x${address.toString(16)}, which are not all memory`);
  }
  return address;
}

/** How many descriptors an indirect table has (VIRTIO-1.2 §2.7.5.3 and §2.8.7). */
export function indirectCount({ length, flags }: Descriptor, allowed: boolean, forbidden: number): number {
  if (!allowed) throw new RingFault('an indirect descriptor, which was not negotiated');
  if (flags & forbidden) throw new RingFault(`an indirect descriptor with flags ${flags}`);
  if (length === 0 || length % DESCRIPTOR_SIZE !== 0) throw new RingFault(`an indirect table of ${length} bytes`);
  return length / DESCRIPTOR_SIZE;
}

/** The part of some spans that begins `offset` bytes in and has `length` bytes; the spans must have that much. */
export function slice(spans: readonly Span[], offset: number, length: number): Span[] {
  const part: Span[] = [];
  let skip = offset;
  let left = length;
  for (const span of spans) {
    if (left === 0) break;
    const count = Math.min(span.length - skip, left);
    if (count > 0) {
      part.push({ address: span.address + skip, length: count });
      left -= count;
      skip = 0;
    } else {
      skip -= span.length;
    }
  }
  if (left > 0) throw new RangeError(`spans end ${left} bytes too early`);
  return part;
}

export function readSpans(memory: GuestMemory, spans: readonly Span[]): Uint8Array {
  const bytes = new Uint8Array(spans.reduce((total, span) => total + span.length, 0));
  readSpansInto(memory, spans, 0, bytes);
  return bytes;
}

/** Fills `bytes` with what lies `offset` bytes in; the spans must have that much. */
export function readSpansInto(memory: GuestMemory, spans: readonly Span[], offset: number, bytes: Uint8Array): void {
  let skip = offset;
  let done = 0;
  for (const { address, length } of spans) {
    const count = Math.min(length - skip, bytes.length - done);
    if (count > 0) memory.readInto(address + skip, count, bytes, done);
    done += Math.max(count, 0);
    skip = Math.max(skip - length, 0);
  }
  if (done < bytes.length) throw new RangeError(`spans end ${bytes.length - done} bytes too early`);
}

/**
 * What `readSpansInto` reads, but of one piece a view, and else a copy at the beginning of `spare`: whoever keeps it copies it.
 */
export function viewSpans(
  memory: GuestMemory,
  spans: readonly Span[],
  offset: number,
  length: number,
  spare: Uint8Array,
): Uint8Array {
  let skip = offset;
  const first = spans.find((span) => {
    const isHere = skip < span.length;
    if (!isHere) skip -= span.length;
    return isHere;
  });
  if (first !== undefined && first.length - skip >= length) {
    const view = memory.sliceOfOne(first.address + skip, length);
    if (view !== null) return view;
  }
  const copy = spare.subarray(0, length);
  readSpansInto(memory, spans, offset, copy);
  return copy;
}

/** Writes from `offset` on as much as there is room for, and tells how much that was. */
export function writeSpans(memory: GuestMemory, spans: readonly Span[], bytes: Uint8Array, offset = 0): number {
  let skip = offset;
  let done = 0;
  for (const { address, length } of spans) {
    const count = Math.min(length - skip, bytes.length - done);
    if (count > 0) {
      memory.write(address + skip, count === bytes.length ? bytes : bytes.subarray(done, done + count));
      done += count;
    }
    skip = Math.max(skip - length, 0);
  }
  return done;
}
