// SPDX-License-Identifier: BSD-2-Clause
import { elfImage, multibootHeader } from '../boot/support/images.js';

const BASE = 0x100000;

/** Writes so many bytes to COM1 without looking, each the low byte of how many are left, and powers the machine off. */
export function floodKernel(count: number): Uint8Array {
  // biome-ignore format: one source line a row
  const code = [
    0xba, 0xf8, 0x03, 0x00, 0x00, 0xb9, count & 0xff, (count >> 8) & 0xff, count >> 16, 0x00, // mov edx,3f8; mov ecx,count
    0x88, 0xc8, 0xee, 0x49, 0x75, 0xfa, // more: mov al,cl; out dx,al; dec ecx; jnz more
    0xba, 0x04, 0x04, 0x00, 0x00, 0xb8, 0x00, 0x34, 0x00, 0x00, 0x66, 0xef, 0xfa, 0xf4, // S5 to 404; cli; hlt
  ];
  const bytes = Buffer.concat([multibootHeader(0), Buffer.from(code)]);
  return elfImage({ bits: 32, entry: BASE + 12, segments: [{ address: BASE, bytes }] });
}

/** What it writes. */
export function flood(count: number): string {
  return Buffer.from(Uint8Array.from({ length: count }, (_, index) => count - index)).toString('latin1');
}
