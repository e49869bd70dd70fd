# SPDX-License-Identifier: BSD-2-Clause
# Pairs of faults, the 15-byte limit, fetches across pages, code that changes itself, #NM, #MF, #XM, #AC, and at the end
# a triple fault (SDM vol. 3, 6.15).
.include "prologue.inc"
.include "descriptors.inc"
.include "long.inc"

.set ABSENT_CODE, FREE
.set AT, 0x600000          # code of our own, two pages; the second is made absent

.macro simple name:req, instruction:vararg
  try "\name"
  \instruction
  endtry
.endm

main:
  descriptor ABSENT_CODE, 0, 0xfffff, 0xa01b
  xor ebx, ebx
  mov edx, 0x600
  jmp enter_long
use64
long_main:
  # A contributory fault while another is delivered is a double fault; a benign one first is not.
  gate64 13, 0, ABSENT_CODE
  try "gp, then np"
  mov eax, 0x7ff8
  mov ds, eax
  endtry
  gate64 14, 0, ABSENT_CODE
  try "pf, then np"
  mov rax, 0x70000000
  mov al, [rax]
  endtry
  ungate64 13
  gate64 6, 0, ABSENT_CODE
  try "ud, then np"
  ud2
  endtry
  ungate64 6
  gate64 0, 0, ABSENT_CODE
  try "de, then np"
  xor ecx, ecx
  div ecx
  endtry
  ungate64 0
  ungate64 14
  mov qword ptr [tss64 + 36], 0x70000000
  gate64 13, vectors64+13*16, CODE64, 0x8e, 1
  try "gp, then pf on its stack"
  mov eax, 0x7ff8
  mov ds, eax
  endtry
  ungate64 13
  gate64 6, vectors64+6*16, CODE64, 0x8e, 1
  try "ud, then pf on its stack"
  ud2
  endtry
  ungate64 6
  mov qword ptr [tss64 + 36], offset fault_stack_top
  gate64 8, vectors64+8*16, CODE64, 0x8e, 1
  try "stack that is not there"
  mov rsp, 0x70000000
  push rax
  endtry
  ungate64 8

  # Length and pages
  try "fifteen bytes"
  .fill 11, 1, 0x66
  add word ptr [rsp], 0
  endtry
  try "sixteen bytes"
  .fill 14, 1, 0x66
  nop
  nop
  endtry
  # Page tables of 4 KiB for the 2 MiB at AT
  mov edi, TABLE
  mov eax, AT + 7
  mov ecx, 512
1:
  mov [rdi], rax
  add eax, 0x1000
  add edi, 8
  loop 1b
  mov dword ptr [DIRECTORY + 24], TABLE + 7
  mov dword ptr [TABLE + 8], 0
  mov rax, cr3
  mov cr3, rax
  mov byte ptr [AT + 0xfff], 0xc3
  mov byte ptr [AT + 0xffe], 0x90
  mov rbx, AT + 0xffe
  try "code up to the end of a page"
  call rbx
  endtry
  mov byte ptr [AT + 0xfff], 0xb8   # MOV EAX goes on
  try "code across the end of a page"
  mov dword ptr [try_start], AT
  call rbx
  endtry
  mov byte ptr [AT + 0xfff], 0x90
  try "code behind the end of a page"
  mov dword ptr [try_start], AT
  call rbx
  endtry
  mov word ptr [AT + 0xffe], 0xffff # #UD needs no more bytes
  try "undefined at the end of a page"
  mov dword ptr [try_start], AT
  call rbx
  endtry
  try "data across the end of a page"
  mov dword ptr [AT + 0xffe], 0x12345678
  endtry
  mov eax, [AT + 0xffc]
  show "unchanged", rax
  newline
  try "read-modify-write across the end"
  add dword ptr [AT + 0xffd], 1
  endtry
  mov eax, [AT + 0xffc]
  show "unchanged", rax
  newline
  try "movs into the absent page"
  mov esi, AT
  mov edi, AT + 0xffc
  mov ecx, 8
  rep movsb
  endtry

  # Code that changes itself, here, ahead and through another mapping
  mov dword ptr [TABLE + 8], AT + 0x1007
  mov dword ptr [TABLE + 16], AT + 0x1007 # AT + 2000h is AT + 1000h again
  invlpg [AT + 0x1000]
  invlpg [AT + 0x2000]
  mov dword ptr [AT + 0x1000], 0xc301b0  # mov al, 1; ret
  mov rbx, AT + 0x1000
  call rbx
  movzx ecx, al
  show "first", rcx
  mov byte ptr [AT + 0x1001], 2
  call rbx
  movzx ecx, al
  show "changed", rcx
  mov byte ptr [AT + 0x2001], 3
  call rbx
  movzx ecx, al
  show "alias", rcx
  mov byte ptr [rip + 1f + 1], 4
1:
  mov al, 9
  movzx ecx, al
  show "next", rcx
  mov byte ptr [AT + 0xffe], 0x90   # MOV AL across the page
  mov byte ptr [AT + 0xfff], 0xb0
  mov word ptr [AT + 0x1000], 0xc305
  mov rbx, AT + 0xffe
  call rbx
  movzx ecx, al
  show "across", rcx
  mov byte ptr [AT + 0x1000], 6
  call rbx
  movzx ecx, al
  show "changed", rcx
  mov word ptr [AT + 0x4000], 0xc307
  mov dword ptr [TABLE + 8], AT + 0x4007
  invlpg [AT + 0x1000]
  call rbx
  movzx ecx, al
  show "remapped", rcx
  newline

  # Lazy FPU
  mov rax, cr0
  or eax, 8
  mov cr0, rax
  simple "ts, fninit", fninit
  simple "ts, fwait", fwait
  simple "ts, movaps", movaps xmm0, xmm1
  simple "ts, fxsave", fxsave [AT]
  simple "ts, emms", emms
  simple "ts, ldmxcsr", ldmxcsr [AT]
  simple "ts, lfence", lfence
  clts
  mov rax, cr0
  or eax, 6
  mov cr0, rax
  simple "em, fninit", fninit
  simple "em, fwait", fwait
  simple "em, movaps", movaps xmm0, xmm1
  simple "em, emms", emms
  mov rax, cr0
  and eax, ~4
  or eax, 0x20
  mov cr0, rax
  try "mf"
  fninit
  push 0x37b
  fldcw [rsp]
  fld1
  fldz
  fdivp
  fwait
  endtry
  fninit
  try "xm"
  mov dword ptr [AT], 0x1d80
  ldmxcsr [AT]
  mov eax, 1
  cvtsi2ss xmm0, eax
  xorps xmm1, xmm1
  divss xmm0, xmm1
  endtry
  mov rax, cr4
  and eax, ~0x400
  mov cr4, rax
  try "xm without OSXMMEXCPT"
  divss xmm0, xmm1
  endtry
  mov rax, cr4
  and eax, ~0x200
  mov cr4, rax
  try "sse without OSFXSR"
  divss xmm0, xmm1
  endtry
  mov rax, cr4
  or eax, 0x600
  mov cr4, rax
  try "mxcsr reserved"
  mov dword ptr [AT], 0x11f80
  ldmxcsr [AT]
  endtry
  try "movaps alignment"
  movaps xmm0, [AT + 1]
  endtry
  mov rax, cr0
  or eax, 0x40000
  mov cr0, rax
  try "ac in ring 3"
  enter_user 0x40002
  mov eax, [AT + 1]
  leave_user
  endtry
  try "ac in ring 0"
  push 0x40002
  popfq
  mov eax, [AT + 1]
  endtry
  push 2
  popfq

  say "triple fault\n"
  lidt [nothing]
  ud2
  say "still here\n"
  jmp finish64

.data
nothing: .word 0
  .quad 0
.text
