// SPDX-License-Identifier: BSD-2-Clause
import { GuestCode, word32 } from '../guest-code.js';
import { PLACES } from '../proof-guest-loader.js';
import { done, type ProofGuest } from './proof-guest.js';

const SIMD_FAULT = 19;

/** MOV DWORD [RSI], value; LDMXCSR [RSI] */
function control(value: number): number[] {
  return [0xc7, 0x06, ...word32(value), 0x0f, 0xae, 0x16];
}
const keepControl = [0x0f, 0xae, 0x1f, 0x48, 0x83, 0xc7, 0x04]; // stmxcsr [rdi]; add rdi,4

/** MOVQ XMM(register), RAX and a copy to its upper half. */
function fill(register: number): number[] {
  const [rex, duplicate] = register < 8 ? [0x48, []] : [0x4c, [0x45]];
  const modrm = 0xc0 | ((register & 7) << 3);
  return [0x66, rex, 0x0f, 0x6e, modrm, 0x66, ...duplicate, 0x0f, 0x6c, modrm | (register & 7)]; // movq; punpcklqdq
}

const code = new GuestCode().bytes(0xbe, ...word32(PLACES.data));
for (let register = 0; register < 16; register += 1) {
  code.rax(0x4008_0000_0000_0000n + (BigInt(register) << 44n) + BigInt(register)).bytes(...fill(register));
}
code
  .bytes(...control(0xdf80)) // round up, flush to zero, all masked
  .bytes(0xf2, 0x0f, 0x5e, 0xc1, 0x66, 0x0f, 0x51, 0xd3, 0x0f, 0x5e, 0xe5, ...keepControl) // divsd; sqrtpd; divps
  .rax(0x0010_0000_0000_0000n)
  .bytes(0x66, 0x48, 0x0f, 0x6e, 0xf0, 0xf2, 0x0f, 0x59, 0xf6, ...keepControl) // movq xmm6,rax; mulsd xmm6,xmm6: flushed
  .bytes(0xf2, 0x48, 0x0f, 0x2d, 0xc1, 0x48, 0xab, 0x66, 0x0f, 0x5b, 0xfa) // cvtsd2si rax,xmm1; stosq; cvtps2dq xmm7,xmm2
  .bytes(...control(0x3f80), 0xf2, 0x0f, 0x5e, 0xcb, 0xf2, 0x48, 0x0f, 0x2d, 0xc1, 0x48, 0xab) // round down: the same again
  .bytes(0x66, 0x0f, 0x38, 0x00, 0xca, 0x66, 0x0f, 0x3a, 0x0f, 0xd3, 0x05, 0x66, 0x0f, 0xc6, 0xeb, 0x01) // pshufb; palignr; shufpd
  .bytes(...control(0x1d80), 0x66, 0x0f, 0xef, 0xff, 0xf2, 0x0f, 0x5e, 0xc7) // unmask ZE: pxor xmm7,xmm7; divsd xmm0,xmm7 -> #XM
  .bytes(...keepControl, 0x66, 0x0f, 0x7f, 0x07, 0x48, 0x83, 0xc7, 0x10, 0x66, 0x44, 0x0f, 0x7f, 0x3f) // movdqa [rdi],xmm0; xmm15
  .bytes(0x48, 0x83, 0xc7, 0x10);
done(code)
  .handler(SIMD_FAULT)
  .bytes(...keepControl, ...control(0x5fa1)) // masked again, other rounding, flags standing
  .iret();

export const sse: ProofGuest = { name: 'SSE', code, end: 200n };
