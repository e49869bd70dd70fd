// SPDX-License-Identifier: BSD-2-Clause

export const SEGMENT_LENGTH = 80;

/** TCP over IPv4 to a port of the guest, with 26 bytes of data. `mark` is every byte that says nothing else. */
export function tcpSegment(to: readonly number[] | Uint8Array, port: number, mark = 0x11): Uint8Array {
  const frame = new Uint8Array(SEGMENT_LENGTH).fill(mark);
  frame.set(to);
  frame.set([0x08, 0x00, 0x45], 12);
  frame.set([0, 66, 0, 0, 0, 0, 64, 6], 16);
  frame.set([10, 0, 0, 2, 10, 0, 0, 1, port >> 8, port & 0xff, 0, 80], 26);
  frame[46] = 0x50;
  return frame;
}
