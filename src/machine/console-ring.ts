// SPDX-License-Identifier: BSD-2-Clause
/**
 * A bounded byte ring in shared memory: the machine's thread writes console output, the main thread reads it. One writer,
 * one reader, no locks. Words 0 and 1 count the bytes written and read so far, modulo 2^32.
 */
const WRITTEN = 0;
const READ = 1;
const HEADER_BYTES = 8;

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
    this.counters = new Int32Array(memory, 0, 2);
    this.bytes = new Uint8Array(memory, HEADER_BYTES);
  }

  /** Bytes that are written and not yet read. */
  get length(): number {
    return (Atomics.load(this.counters, WRITTEN) - Atomics.load(this.counters, READ)) >>> 0;
  }

  get isFull(): boolean {
    return this.length >= this.bytes.length;
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

  /** For the writer: sleeps until the reader has taken something, or the time has passed. */
  waitForSpace(milliseconds: number): void {
    const read = Atomics.load(this.counters, READ);
    if (this.isFull) Atomics.wait(this.counters, READ, read, milliseconds);
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
    Atomics.notify(this.counters, READ);
    return taken;
  }
}
