// SPDX-License-Identifier: BSD-2-Clause
import { elfImage, multibootHeader } from '../../boot/support/images.js';
import { word32 } from '../../support/guest-code.js';

const BASE = 0x100000;
const DELAY = 200_000;
export const COUNT = 1000;

/** Writes COUNT lines with their number on COM1, then sends back what is typed up to the end of a line, and switches off. */
// biome-ignore format: one source line a row
const CODE = [
  0x31, 0xdb, // xor ebx,ebx
  0x89, 0xdd, 0xc1, 0xe5, 0x10, // line: ebp = ebx << 16
  0xb9, ...word32(4), 0xba, ...word32(0x3f8), // ecx = 4; edx = 3f8
  0xc1, 0xc5, 0x04, 0x89, 0xe8, 0x24, 0x0f, 0x04, 0x41, 0xee, 0xe2, 0xf4, // rol ebp,4; out 'A' + (ebp & 15); loop
  0xb0, 0x0a, 0xee, // out '\n'
  0xb9, ...word32(DELAY), 0xe2, 0xfe, // ecx = DELAY; loop to itself
  0x43, 0x81, 0xfb, ...word32(COUNT), 0x75, 0xd2, // inc ebx; cmp ebx,COUNT; jne line
  0xba, ...word32(0x3fd), 0xec, 0xa8, 0x01, 0x74, 0xf6, // poll: mov edx,3fd; in al,dx; test al,1; jz poll
  0xba, ...word32(0x3f8), 0xec, 0xee, // mov edx,3f8; in al,dx; out dx,al
  0x3c, 0x0a, 0x75, 0xeb, // cmp al,'\n'; jne poll
  0xba, ...word32(0x404), 0xb8, ...word32(0x3400), 0x66, 0xef, 0xfa, 0xf4, // S5 to 404; cli; hlt
];

/** A Multiboot kernel file. */
export function countingGuest(): Uint8Array {
  const bytes = Buffer.concat([multibootHeader(0), Buffer.from(CODE)]);
  return elfImage({ bits: 32, entry: BASE + 12, segments: [{ address: BASE, bytes }] });
}

/** The number in four letters, A for 0 to P for 15. */
export function countLine(number: number): string {
  const digits = [12, 8, 4, 0].map((shift) => String.fromCharCode(0x41 + ((number >> shift) & 15)));
  return `${digits.join('')}\n`;
}
