// SPDX-License-Identifier: BSD-2-Clause

/** A bounded queue of bytes between the guest and the host. It is not part of any saved state. */
export class RingBuffer {
  private readonly bytes: Uint8Array;
  private head = 0;
  private count = 0;

  constructor(readonly capacity: number) {
    if (!Number.isSafeInteger(capacity) || capacity < 1) {
      throw new RangeError(`ring buffer capacity: expected a whole number of 1 or more, got ${capacity}`);
    }
    this.bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.count;
  }

  get space(): number {
    return this.capacity - this.count;
  }

  /** False means the queue is full and the caller keeps the byte. */
  push(byte: number): boolean {
    if (this.count === this.capacity) return false;
    this.bytes[(this.head + this.count) % this.capacity] = byte;
    this.count += 1;
    return true;
  }

  shift(): number | undefined {
    if (this.count === 0) return undefined;
    const byte = this.bytes[this.head];
    this.head = (this.head + 1) % this.capacity;
    this.count -= 1;
    return byte;
  }

  /** Takes as many bytes as there is space for and tells how many that was. */
  write(source: Uint8Array): number {
    const taken = Math.min(source.length, this.space);
    const tail = (this.head + this.count) % this.capacity;
    const first = Math.min(taken, this.capacity - tail);
    this.bytes.set(source.subarray(0, first), tail);
    this.bytes.set(source.subarray(first, taken), 0);
    this.count += taken;
    return taken;
  }

  /** Removes and returns up to `max` bytes. */
  read(max: number): Uint8Array {
    const taken = Math.min(max, this.count);
    const result = new Uint8Array(taken);
    const first = Math.min(taken, this.capacity - this.head);
    result.set(this.bytes.subarray(this.head, this.head + first));
    result.set(this.bytes.subarray(0, taken - first), first);
    this.head = (this.head + taken) % this.capacity;
    this.count -= taken;
    return result;
  }

  clear(): void {
    this.count = 0;
  }
}
