// SPDX-License-Identifier: BSD-2-Clause
/** Reads the records of a native ring of frames in place. native/net/frame_ring.h. */

const PREFIX = 4;
const ALIGNMENT = 8;
const SKIP = 0xffff_ffff;

export class FrameRecords {
  private readonly view: DataView;
  /** Where the oldest record is. */
  private at = 0;

  constructor(private readonly memory: Uint8Array) {
    this.view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
  }

  /**
   * Gives records of the next `bytes` to `take` until that says false, and tells how many bytes they were. A record is the
   * ring's memory: it is overwritten once it is released.
   */
  read(bytes: number, take: (record: Uint8Array) => boolean): number {
    let done = 0;
    while (done < bytes) {
      const length = this.view.getUint32(this.at, true);
      const toTheEnd = this.memory.length - this.at;
      const size = length === SKIP ? toTheEnd : Math.ceil((PREFIX + length) / ALIGNMENT) * ALIGNMENT;
      if (length !== SKIP && !take(this.memory.subarray(this.at + PREFIX, this.at + PREFIX + length))) break;
      this.at = (this.at + size) % this.memory.length;
      done += size;
    }
    return done;
  }
}
