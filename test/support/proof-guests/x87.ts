// SPDX-License-Identifier: BSD-2-Clause
import { GuestCode, word32 } from '../guest-code.js';
import { PLACES } from '../proof-guest-loader.js';
import { done, type ProofGuest } from './proof-guest.js';

const MATH_FAULT = 16;
const SCRATCH = PLACES.data;

const keepStatus = [0xdf, 0xe0, 0x66, 0xab]; // fnstsw ax; stosw
const keepTop = [0xdb, 0x3f, 0x48, 0x83, 0xc7, 0x0a]; // fstp tbyte [rdi]; add rdi,10

/** MOV DWORD [RSI], value; FLDCW [RSI] */
function controlWord(value: number): number[] {
  return [0xc7, 0x06, ...word32(value), 0xd9, 0x2e];
}

const code = new GuestCode()
  .bytes(0xbe, ...word32(SCRATCH), 0xdb, 0xe3) // mov esi; fninit
  // MMX shares the registers.
  .rax(0x1122_3344_5566_7788n)
  .bytes(0x48, 0x0f, 0x6e, 0xc8, 0x0f, 0xfc, 0xc9, 0x0f, 0x6f, 0xd9, 0x0f, 0x7f, 0x1f, 0x0f, 0x77) // movq mm1,rax; paddb; movq mm3; emms
  // 53 bits, rounded down.
  .bytes(...controlWord(0x067f), 0xd9, 0xeb, 0xd9, 0xea, 0xde, 0xf9, 0xd9, 0xc0, ...keepTop) // fldpi; fldl2e; fdivp; fld st0
  .bytes(0xd9, 0xfa, 0xd9, 0xe8, 0xd8, 0xc1, 0xd9, 0xfe, ...keepStatus) // fsqrt; fld1; fadd st1; fsin
  .bytes(...controlWord(0x0b7f), 0xd9, 0xed, 0xd8, 0xf1, 0xd9, 0xc9, 0xd9, 0xf8, ...keepStatus) // up, 64 bits: fldln2; fdiv; fxch; fprem
  .bytes(0xd9, 0xee, 0xd9, 0xe5, ...keepStatus, 0xdd, 0xc2) // fldz; fxam; ffree st2
  .bytes(0xdd, 0x16, 0xdc, 0x06, 0xd9, 0x37) // fst qword [rsi]; fadd qword [rsi]: operand pointer; fnstenv [rdi]
  .bytes(0x48, 0x83, 0xc7, 0x1c) // add rdi,28
  // An exception that waits for the next waiting instruction.
  .bytes(0x9b, ...controlWord(0x037b), 0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9, ...keepStatus) // unmask ZE: fld1; fldz; fdivp
  .nop(3)
  .bytes(0x9b, 0xd9, 0xe8, ...keepStatus) // fwait; fld1
  .bytes(...controlWord(0x027e), 0xd9, 0xf6); // fdecstp: top and tags of no empty stack at the end
done(code)
  .handler(MATH_FAULT)
  .bytes(...keepStatus, 0xdb, 0xe2)
  .iret(); // fnclex

export const x87: ProofGuest = { name: 'x87 and MMX', code, end: 300n };
