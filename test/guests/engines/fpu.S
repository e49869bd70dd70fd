# SPDX-License-Identifier: BSD-2-Clause
# x87, MMX and SSE state of ring 3, alive in the registers while ring 0 prints and while the machine moves.
.include "prologue.inc"
.include "long.inc"
.include "engines/engine.inc"

.set IMAGE, 0x600000       # FXSAVE
.set ROUNDS, 6

begin_long efer=0x801    # SCE, NXE
  call map_devices
  call open_trap
  to_user
  fninit
  fldcw [control]
  ldmxcsr [mxcsr]
  fld qword ptr [seed]
  fld1
  fldpi
  fldl2e
  movsd xmm0, [seed]
  movapd xmm1, [pair]
  movdqa xmm15, [pair]
  to_kernel
  mov r14d, ROUNDS
1:
  say "round"
  show "left", r14
  newline
  to_user
  mov ecx, 2000
2:
  fld st(1)
  fmul st, st(3)
  faddp st(4), st
  fld st(3)
  fsqrt
  fstp st(4)
  mulpd xmm1, [factor]
  addpd xmm1, [pair]
  sqrtsd xmm0, xmm0
  addsd xmm0, [seed]
  movdqa xmm2, xmm15
  pmuludq xmm2, xmm15
  paddq xmm15, xmm2
  pshufd xmm15, xmm15, 0x39
  cvtpd2ps xmm3, xmm1
  divps xmm3, xmm3
  dec ecx
  jnz 2b
  to_kernel
  dec r14d
  jnz 1b
  to_user
  fxsave [IMAGE]
  to_kernel
  # Which instruction was last, and the mask of MXCSR: processors differ.
  mov word ptr [IMAGE + 6], 0
  mov qword ptr [IMAGE + 8], 0
  mov qword ptr [IMAGE + 16], 0
  mov dword ptr [IMAGE + 28], 0
  say "x87:"
  mov cx, [IMAGE]
  movzx ecx, cx
  show "control", rcx
  movzx ecx, word ptr [IMAGE + 2]
  show "status", rcx
  movzx ecx, byte ptr [IMAGE + 4]
  show "tags", rcx
  hash_memory "registers", IMAGE+32, 128
  newline
  say "sse:"
  mov ecx, [IMAGE + 24]
  show "mxcsr", rcx
  hash_memory "registers", IMAGE+160, 256
  newline
  to_user
  emms
  movq mm0, [pair]
  movq mm1, [pair + 8]
  paddb mm0, mm1
  pmaddwd mm1, mm0
  movq [seed], mm1
  movq [pair], mm0
  emms
  to_kernel
  say "mmx:"
  mov rcx, [seed]
  show "mm1", rcx
  mov rcx, [pair]
  show "mm0", rcx
  newline
  jmp switch_off

.data
.align 16
pair: .double 1.25, 0.875
factor: .double 0.5, 0.75
seed: .double 3.14159
control: .word 0x0f7f      # round to zero, all masked, 64 bits
.align 4
mxcsr: .long 0x5f80        # round up, all masked
.text
