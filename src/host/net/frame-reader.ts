// SPDX-License-Identifier: BSD-2-Clause
/** Cuts a byte stream into frames: 32 bits of length, the highest byte first, then the frame. So speak QEMU's `stream` netdev and passt. */

const PREFIX = 4;

export class FrameReader {
  private pending: Uint8Array = new Uint8Array(0);

  constructor(private readonly longest: number) {}

  /** The frames that are complete now. A length that no frame has is an error: the stream cannot be followed any more. */
  push(bytes: Uint8Array): Uint8Array[] {
    const all = this.pending.length === 0 ? bytes : Buffer.concat([this.pending, bytes]);
    const view = new DataView(all.buffer, all.byteOffset, all.byteLength);
    const frames: Uint8Array[] = [];
    let at = 0;
    while (at + PREFIX <= all.length) {
      const length = view.getUint32(at);
      if (length > this.longest) throw new Error(`a frame of ${length} bytes: expected at most ${this.longest}`);
      if (at + PREFIX + length > all.length) break;
      frames.push(new Uint8Array(all.subarray(at + PREFIX, at + PREFIX + length))); // a Buffer's slice is no copy
      at += PREFIX + length;
    }
    this.pending = new Uint8Array(all.subarray(at));
    return frames;
  }
}

export function framed(frame: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(PREFIX + frame.length);
  new DataView(bytes.buffer).setUint32(0, frame.length);
  bytes.set(frame, PREFIX);
  return bytes;
}
