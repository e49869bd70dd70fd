# SPDX-License-Identifier: BSD-2-Clause
# Real-address mode at the limit of 64 KiB: #GP, #SS, and vectors beyond the limit of the IDT (SDM vol. 3, 20.1.4).
.include "prologue.inc"
.include "real.inc"

.macro jmp_ebx
  .byte 0x66, 0xff, 0xe3
.endm

main:
  jmp enter_real

.code16
in_real:
  attempt "byte at ffff", mov al, [0xffff]
  attempt "word at ffff", mov ax, [0xffff]
  attempt "word at fffe", mov ax, [0xfffe]
  attempt "dword at fffd", mov eax, [0xfffd]
  mov ebx, 0x10000
  attempt "32-bit address", mov al, [ebx]
  attempt "32-bit write", mov [ebx], al
  mov ebx, 0xffff
  attempt "32-bit address, word at ffff", mov ax, [ebx]
  mov bp, 0xffff
  attempt "bp", mov ax, [bp]
  mov ebp, 0x10000
  attempt "ebp", mov al, [ebp]
  mov ebx, 0x200000
  attempt "gs has 4 GiB", mov al, gs:[ebx]
  attempt "fs has 64 KiB", mov al, fs:[ebx]
  # At odd SP below 7 the delivery of #SS would itself fault, and the processor shut down.
  mov sp, 2
  attempt "push 32 at 2", push eax
  mov sp, 0xffff
  attempt "pop at ffff", pop ax
  mov esp, 0x7000
  mov ebx, 0x12345
  attempt "jmp far beyond", jmp_ebx
  mov si, 0xffff
  mov di, 0
  attempt "lodsw at ffff", lodsw
  movzx eax, si
  note "si", eax
  mov cx, 3
  mov di, 0xfffd
  mov ax, 0x2000
  mov es, ax
  attempt "rep stosw over the end", rep stosw
  movzx eax, di
  note "di", eax
  movzx eax, cx
  note "cx", eax
  lidt cs:[short_idtr - low_start]
  attempt "ud2 within", ud2
  attempt "int 20h beyond", int 0x20
  jmp back_to_protected

# Vectors 0 to 1fh.
short_idtr: .word 0x7f, 0, 0
low_end:
.code32
