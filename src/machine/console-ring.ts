// SPDX-License-Identifier: BSD-2-Clause
/**
 * A bounded byte ring in shared memory: the machine's thread writes console output, the main thread reads it. One writer,
 * one reader, no locks. Words 0 and 1 count the bytes written and read so far, modulo 2^32; word 2 is not 0 when the writer
 * wants to be told of room.
 */
const WRITTEN = 0;
const READ = 1;
const ASKS = 2;
const HEADER_BYTES = 12;

const DEFAULT_RING_BYTES = 256 * 1024;

/** `capacity` must be a power of two, so that positions go on when the counters wrap. */
export function consoleRingMemory(capacity = DEFAULT_RING_BYTES): SharedArrayBuffer {
  if (!Number.isInteger(Math.log2(capacity)))
    throw new RangeError(`ring of ${capacity} bytes: expected a power of two`);
  return new SharedArrayBuffer(HEADER_BYTES + capacity);
}

export class ConsoleRing {
  private readonly counters: Int32Array;
  private readonly bytes: Uint8Array;

  constructor(memory: SharedArrayBuffer) {
    this.counters = new Int32Array(memory, 0, 3);
    this.bytes = new Uint8Array(memory, HEADER_BYTES);
  }

  /** Bytes that are written and not yet read. */
  get length(): number {
    return (Atomics.load(this.counters, WRITTEN) - Atomics.load(this.counters, READ)) >>> 0;
  }

  get isFull(): boolean {
    return this.room === 0;
  }

  /** Bytes that fit. */
  get room(): number {
    return Math.max(0, this.bytes.length - this.length);
  }

  /**
   * For the writer, while the ring is not full. True if the reader may have found the ring empty and has to be told. The
   * length is looked at after the byte is in, and the reader looks after it has taken: one of the two sees the other.
   */
  push(byte: number): boolean {
    const written = Atomics.load(this.counters, WRITTEN);
    this.bytes[(written >>> 0) % this.bytes.length] = byte;
    Atomics.store(this.counters, WRITTEN, (written + 1) | 0);
    return this.length === 1;
  }

  /**
   * For the writer that found it full: wants to be told of room. False if there is some already. It asks and then looks, and
   * the reader takes and then looks whether it is asked: one of the two sees the other.
   */
  askForRoom(): boolean {
    Atomics.store(this.counters, ASKS, 1);
    return this.isFull;
  }

  /** For the reader, once it has taken something: the writer is to be told. */
  takeQuestion(): boolean {
    return Atomics.exchange(this.counters, ASKS, 0) !== 0;
  }

  /** For the reader: everything there is, as a copy. Call until it gives nothing. */
  take(): Uint8Array {
    const { length } = this;
    const read = Atomics.load(this.counters, READ);
    const start = (read >>> 0) % this.bytes.length;
    const taken = new Uint8Array(length);
    const first = Math.min(length, this.bytes.length - start);
    taken.set(this.bytes.subarray(start, start + first));
    taken.set(this.bytes.subarray(0, length - first), first);
    Atomics.store(this.counters, READ, (read + length) | 0);
    return taken;
  }
}
