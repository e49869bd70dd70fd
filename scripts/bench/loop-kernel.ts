// SPDX-License-Identifier: BSD-2-Clause
/**
 * Guests of a few instructions: they access one register of a device over and over and print a dot after every batch.
 * Multiboot 0.6.96 (3.1.2) with address fields, so that the flat bytes are a kernel for tsbhyve and QEMU alike.
 */
const LOAD_ADDRESS = 0x10_0000;
const HEADER_SIZE = 32;
const MAGIC = 0x1bad_b002;
const HAS_ADDRESSES = 0x1_0000;

export const DOT = '.';
const COM1 = 0x3f8;
const POST_PORT = 0x80;
const HPET_CONFIGURATION = 0xfed0_0010;

/** Reads the POST port. */
export const portRead: readonly number[] = [0xe4, POST_PORT]; // in al, POST_PORT
/** Reads the general configuration register of the HPET. */
export const mmioRead: readonly number[] = [0xa1, ...dword(HPET_CONFIGURATION)]; // mov eax, [HPET_CONFIGURATION]

export function loopKernel(access: readonly number[], batch: number): Uint8Array {
  const inner = [...access, 0x49]; // access; dec ecx
  const dot = [0x66, 0xba, ...dword(COM1).slice(0, 2), 0xb0, DOT.charCodeAt(0), 0xee]; // mov dx, COM1; mov al, DOT; out dx, al
  const body = [0xb9, ...dword(batch), ...inner, 0x75, -(inner.length + 2) & 0xff, ...dot]; // mov ecx, batch; inner; jnz inner
  const code = [...body, 0xeb, -(body.length + 2) & 0xff]; // jmp body
  const end = LOAD_ADDRESS + HEADER_SIZE + code.length;
  const entry = LOAD_ADDRESS + HEADER_SIZE;
  const header = [MAGIC, HAS_ADDRESSES, -(MAGIC + HAS_ADDRESSES), LOAD_ADDRESS, LOAD_ADDRESS, end, end, entry];
  return Uint8Array.from([...header.flatMap(dword), ...code]);
}

function dword(value: number): number[] {
  return [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
}
