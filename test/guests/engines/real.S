# SPDX-License-Identifier: BSD-2-Clause
# From protected to real mode and back: strings, stacks, interrupts by the vector table, addresses by segment.
.include "prologue.inc"
.include "engines/end.inc"

.set ANSWERS, 0x9000
.set SEGMENT, 0x1234       # of 0x12340

main:
  fninit                   # a reset leaves FCW as 40, some engines as 37f
  mov esi, offset low_start
  mov edi, LOW_CODE
  mov ecx, offset low_end - low_start
  rep movsb
  mov eax, DATA16
  mov ds, eax
  mov es, eax
  mov ss, eax
  lidt cs:[real_idtr]
  jmp CODE16:LOW_CODE

back:
  mov eax, DATA
  mov ss, eax
  mov esp, offset stack_top
  call flat_segments
  lidt [idtr32]
  say "real mode:"
  .irp name, sum, copied, stack, interrupts, segment, division
  mov ecx, [ANSWERS + answer_\name]
  show "\name", ecx
  .endr
  newline
  jmp switch_off

.set answer_sum, 0
.set answer_copied, 4
.set answer_stack, 8
.set answer_interrupts, 12
.set answer_segment, 16
.set answer_division, 20

.align 16
low_start:
.code16
  mov eax, cr0
  and al, 0xfe
  mov cr0, eax
  .byte 0xea               # jmp 0:
  .word 1f - low_start + LOW_CODE, 0
1:
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov sp, 0x7000
  mov si, LOW_CODE
  mov cx, 64
  xor ebx, ebx
  cld
2:
  xor eax, eax
  lodsb
  add ebx, eax
  rol ebx, 3
  loop 2b
  mov [ANSWERS + answer_sum], ebx
  mov dword ptr [0xa000], 0x64636261
  mov si, 0xa003
  mov di, 0xb003
  mov cx, 4
  std
  rep movsb
  cld
  mov eax, [0xb000]
  mov [ANSWERS + answer_copied], eax
  push 0x1234
  push 0x5678
  pop ax
  pop bx
  shl eax, 16
  mov ax, bx
  mov [ANSWERS + answer_stack], eax
  mov dword ptr [0x40 * 4], on_interrupt - low_start + LOW_CODE
  mov dword ptr [0], on_interrupt - low_start + LOW_CODE
  xor edx, edx
  int 0x40
  int 0x40
  mov [ANSWERS + answer_interrupts], edx
  mov ax, SEGMENT
  mov es, ax
  mov dword ptr es:[0x10], 0xcafe
  mov ax, SEGMENT + 1
  mov es, ax
  mov eax, es:[0]
  mov [ANSWERS + answer_segment], eax
  mov eax, 100000
  xor edx, edx
  mov ecx, 7
  div ecx
  mov [ANSWERS + answer_division], eax
  lgdt cs:[low_gdtr - low_start + LOW_CODE]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  .byte 0x66, 0xea         # jmp CODE32:back
  .long back
  .word CODE32
on_interrupt:
  add edx, 0x101
  iret
.align 4
low_gdtr:
  .word gdt_end - gdt - 1
  .long gdt
low_end:
.code32

.data
real_idtr:
  .word 0x3ff
  .long 0, 0
.text
