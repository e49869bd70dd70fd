// SPDX-License-Identifier: BSD-2-Clause
/** The last bytes that a guest sent, in bounded room. */
export class OutputHistory {
  private readonly ring: Uint8Array;
  private start = 0;
  private length = 0;

  constructor(capacity: number) {
    this.ring = new Uint8Array(capacity);
  }

  add(bytes: Uint8Array): void {
    const kept = bytes.subarray(Math.max(0, bytes.length - this.ring.length));
    const end = (this.start + this.length) % this.ring.length;
    const first = Math.min(kept.length, this.ring.length - end);
    this.ring.set(kept.subarray(0, first), end);
    this.ring.set(kept.subarray(first), 0);
    const over = Math.max(0, this.length + kept.length - this.ring.length);
    this.start = (this.start + over) % this.ring.length;
    this.length += kept.length - over;
  }

  /** A copy of them. */
  get bytes(): Uint8Array {
    const bytes = new Uint8Array(this.length);
    const first = Math.min(this.length, this.ring.length - this.start);
    bytes.set(this.ring.subarray(this.start, this.start + first));
    bytes.set(this.ring.subarray(0, this.length - first), first);
    return bytes;
  }

  /** Removes and returns them. */
  take(): Uint8Array {
    const taken = this.bytes;
    this.start = 0;
    this.length = 0;
    return taken;
  }
}
