// SPDX-License-Identifier: BSD-2-Clause
import { hex, high32, join64, low32, type Width } from './bits.js';
import { type MemorySegment, openSegment, type Segment } from './memory-segment.js';

/** An access that does not lie in guest memory as a whole. Devices answer it as hardware would. */
export class GuestFault extends Error {
  override readonly name = 'GuestFault';

  constructor(
    readonly address: number,
    readonly length: number,
  ) {
    super(`guest memory ${hex(address)}: ${length} bytes from here are not all memory`);
  }
}

const PAGE = 4096;

/** Guest physical memory. This is the one place where guest addresses are checked. */
export class GuestMemory {
  readonly segments: readonly MemorySegment[];
  /** Bytes in all segments. */
  readonly size: number;
  private readonly sorted: readonly Segment[];
  private last: Segment | undefined;

  /**
   * `onWrite` runs after each store, for the dirty log and for code caches. `giveBack` makes pages zeros that the host has
   * back, and tells those itself; without it they are filled.
   */
  constructor(
    segments: readonly MemorySegment[],
    private readonly onWrite: (address: number, length: number) => void = () => {},
    private readonly giveBack: ((address: number, length: number) => void) | null = null,
  ) {
    this.sorted = segments.map(openSegment).sort((a, b) => a.base - b.base);
    for (const [index, segment] of this.sorted.entries()) {
      const next = this.sorted[index + 1];
      if (next !== undefined && next.base < segment.end) {
        throw new RangeError(`guest memory: segments at ${hex(segment.base)} and ${hex(next.base)} overlap`);
      }
    }
    this.segments = segments;
    this.size = segments.reduce((total, segment) => total + segment.bytes.length, 0);
  }

  /** Turns a 64-bit guest address into a number; one that no memory can have is a fault. */
  static address(value: bigint, length = 1): number {
    if (value < 0n || value >= 1n << 52n) throw new GuestFault(Number(BigInt.asUintN(64, value)), length);
    return Number(value);
  }

  readU8(address: number): number {
    const segment = this.find(address, 1);
    return segment === undefined ? this.readAcross(address, 1) : segment.view.getUint8(address - segment.base);
  }

  readU16(address: number): number {
    const segment = this.find(address, 2);
    return segment === undefined ? this.readAcross(address, 2) : segment.view.getUint16(address - segment.base, true);
  }

  readU32(address: number): number {
    const segment = this.find(address, 4);
    return segment === undefined ? this.readAcross(address, 4) : segment.view.getUint32(address - segment.base, true);
  }

  readU64(address: number): bigint {
    const segment = this.find(address, 8);
    if (segment !== undefined) return segment.view.getBigUint64(address - segment.base, true);
    this.require(address, 8);
    return join64(this.readU32(address), this.readU32(address + 4));
  }

  writeU8(address: number, value: number): void {
    const segment = this.find(address, 1);
    if (segment === undefined) {
      this.writeAcross(address, 1, value);
    } else if (!segment.readOnly) {
      segment.view.setUint8(address - segment.base, value);
      this.onWrite(address, 1);
    }
  }

  writeU16(address: number, value: number): void {
    const segment = this.find(address, 2);
    if (segment === undefined) {
      this.writeAcross(address, 2, value);
    } else if (!segment.readOnly) {
      segment.view.setUint16(address - segment.base, value, true);
      this.onWrite(address, 2);
    }
  }

  writeU32(address: number, value: number): void {
    const segment = this.find(address, 4);
    if (segment === undefined) {
      this.writeAcross(address, 4, value);
    } else if (!segment.readOnly) {
      segment.view.setUint32(address - segment.base, value, true);
      this.onWrite(address, 4);
    }
  }

  writeU64(address: number, value: bigint): void {
    this.require(address, 8);
    this.writeU32(address, low32(value));
    this.writeU32(address + 4, high32(value));
  }

  /** A ring index shared with a running vCPU: read once and in order. `address` must be even. */
  atomicReadU16(address: number): number {
    const segment = this.find(address, 2);
    if (segment === undefined || address % 2 !== 0) throw new GuestFault(address, 2);
    return Atomics.load(segment.words, (address - segment.base) / 2);
  }

  /** A ring index shared with a running vCPU: everything stored before is visible first. `address` must be even. */
  atomicWriteU16(address: number, value: number): void {
    const segment = this.find(address, 2);
    if (segment === undefined || address % 2 !== 0) throw new GuestFault(address, 2);
    if (segment.readOnly) return;
    Atomics.store(segment.words, (address - segment.base) / 2, value);
    this.onWrite(address, 2);
  }

  /** A copy. */
  read(address: number, length: number): Uint8Array {
    this.require(address, length);
    const result = new Uint8Array(length);
    this.readInto(address, length, result, 0);
    return result;
  }

  /** Copies to `at` of `into`, which has room for that. */
  readInto(address: number, length: number, into: Uint8Array, at: number): void {
    this.require(address, length);
    this.forEachPart(address, length, (segment, start, done, count) => {
      into.set(segment.bytes.subarray(start, start + count), at + done);
    });
  }

  write(address: number, bytes: Uint8Array): void {
    const segment = this.find(address, bytes.length);
    if (segment === undefined || bytes.length === 0) {
      this.store(address, bytes.length, (part, start, done, count) => {
        part.bytes.set(bytes.subarray(done, done + count), start);
      });
    } else if (!segment.readOnly) {
      segment.bytes.set(bytes, address - segment.base);
      this.onWrite(address, bytes.length);
    }
  }

  fill(address: number, length: number, value: number): void {
    this.store(address, length, (segment, start, _, count) => {
      segment.bytes.fill(value, start, start + count);
    });
  }

  /** Whole pages that the guest does without: they read as zeros from now on. All of them must be RAM. */
  discard(address: number, length: number): void {
    if (address % PAGE !== 0 || length % PAGE !== 0 || !this.isRam(address, length)) {
      throw new GuestFault(address, length);
    }
    if (this.giveBack === null) this.fill(address, length, 0);
    else this.forEachPart(address, length, (_segment, _start, done, count) => this.giveBack?.(address + done, count));
  }

  /** A view of memory for reading; the span must lie in one segment. */
  slice(address: number, length: number): Uint8Array {
    const segment = this.spanIn(address, length);
    return segment.bytes.subarray(address - segment.base, address - segment.base + length);
  }

  /** The same, but null if it lies in several segments. */
  sliceOfOne(address: number, length: number): Uint8Array | null {
    this.require(address, length);
    const segment = this.find(address, length);
    return segment?.bytes.subarray(address - segment.base, address - segment.base + length) ?? null;
  }

  /** A view of memory for writing; call `markWritten` after the store. The span must lie in one writable segment. */
  writableSlice(address: number, length: number): Uint8Array {
    if (this.spanIn(address, length).readOnly) throw new GuestFault(address, length);
    return this.slice(address, length);
  }

  /** Views of a span that may lie in several segments; as `slice` and `writableSlice` have it for one. */
  views(address: number, length: number, access: 'read' | 'write'): Uint8Array[] {
    const parts: Uint8Array[] = [];
    this.addViews(parts, address, length, access);
    return parts;
  }

  /** Appends them to `parts`. */
  addViews(parts: Uint8Array[], address: number, length: number, access: 'read' | 'write'): void {
    this.require(address, length);
    this.forEachPart(address, length, (segment, start, _, count) => {
      if (access === 'write' && segment.readOnly) throw new GuestFault(address, length);
      parts.push(segment.bytes.subarray(start, start + count));
    });
  }

  /** Reports a store that was made through a view. */
  markWritten(address: number, length: number): void {
    this.onWrite(address, length);
  }

  /** True if every byte of the span is memory; so is a span of no bytes anywhere. */
  contains(address: number, length: number): boolean {
    if (!Number.isSafeInteger(address) || !Number.isSafeInteger(length) || address < 0 || length < 0) return false;
    const end = address + length;
    for (let position = address; position < end; ) {
      const segment = this.at(position);
      if (segment === undefined) return false;
      position = segment.end;
    }
    return true;
  }

  /** The same for memory that is no firmware. */
  isRam(address: number, length: number): boolean {
    if (!this.contains(address, length)) return false;
    let writable = true;
    this.forEachPart(address, length, ({ readOnly }) => {
      writable &&= !readOnly;
    });
    return writable;
  }

  private require(address: number, length: number): void {
    if (!this.contains(address, length)) throw new GuestFault(address, length);
  }

  private spanIn(address: number, length: number): Segment {
    this.require(address, length);
    const segment = this.find(address, length);
    if (segment === undefined) throw new GuestFault(address, length);
    return segment;
  }

  /** The segment that holds the whole span. */
  private find(address: number, length: number): Segment | undefined {
    const segment = this.at(address);
    return segment !== undefined && address + length <= segment.end ? segment : undefined;
  }

  /** The segment that holds the byte at `address`. Guests have a handful of segments and stay in one for long. */
  private at(address: number): Segment | undefined {
    const last = this.last;
    if (last !== undefined && address >= last.base && address < last.end) return last;
    for (const segment of this.sorted) {
      if (address >= segment.base && address < segment.end) {
        this.last = segment;
        return segment;
      }
    }
    return undefined;
  }

  private readAcross(address: number, width: Width): number {
    this.require(address, width);
    let value = 0;
    for (let index = 0; index < width; index += 1) value |= this.readU8(address + index) << (8 * index);
    return value >>> 0;
  }

  private writeAcross(address: number, width: Width, value: number): void {
    this.require(address, width);
    for (let index = 0; index < width; index += 1) this.writeU8(address + index, (value >>> (8 * index)) & 0xff);
  }

  private store(address: number, length: number, part: Part): void {
    this.require(address, length);
    this.forEachPart(address, length, (segment, start, done, count) => {
      if (segment.readOnly) return;
      part(segment, start, done, count);
      this.onWrite(address + done, count);
    });
  }

  private forEachPart(address: number, length: number, part: Part): void {
    for (let done = 0; done < length; ) {
      const segment = this.at(address + done);
      if (segment === undefined) throw new GuestFault(address, length);
      const start = address + done - segment.base;
      const count = Math.min(length - done, segment.bytes.length - start);
      part(segment, start, done, count);
      done += count;
    }
  }
}

/** One segment's part of a span: `count` bytes from `start` of the segment, after `done` bytes of the span. */
type Part = (segment: Segment, start: number, done: number, count: number) => void;
