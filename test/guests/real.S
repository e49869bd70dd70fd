# SPDX-License-Identifier: BSD-2-Clause
# Real-address mode: interrupts through the vector table, 16- and 32-bit addressing, wrap-around, big real mode, stack
# frames, strings, single steps and what real mode does not have (SDM vol. 3, 9.9 and 20.1).
.include "prologue.inc"
.include "real.inc"

.macro arpl_bytes
  .byte 0x63, 0xc0
.endm
.macro lock_inc
  .byte 0xf0, 0x40
.endm
.macro note_word name:req, value:vararg
  movzx eax, \value
  note "\name", eax
.endm

main:
  jmp enter_real

.code16
in_real:
  xor eax, eax
  mov ax, cs
  note "cs", eax
  pushf
  pop ax
  and ax, FLAGS16_SHOWN
  note "flags", eax
  smsw ax
  and ax, 0xf
  note "msw", eax

  # Addresses
  mov bx, 0x8000
  mov si, 0x8800
  mov word ptr [0x800], 0x1111
  note_word "bx+si wraps", word ptr [bx + si]
  mov bp, 0xfff0
  note_word "bp+disp wraps", word ptr [bp + 0x810]
  mov ebx, 0x200000
  mov dword ptr gs:[ebx], 0x600df00d
  mov eax, gs:[ebx]
  note "big real mode", eax
  mov ax, 0x100
  mov gs, ax
  mov ebx, 0x1ff000
  mov eax, gs:[ebx]
  note "a load keeps the limit", eax
  mov ax, 0xffff
  mov es, ax
  mov byte ptr es:[0x510], 0x5a # linear 100500h, which is not 500h
  mov byte ptr [0x500], 0xa5
  note_word "above 1 MiB", byte ptr es:[0x510]
  mov word ptr cs:[written - low_start], 0x7777
  note_word "cs writable", word ptr cs:[written - low_start]
  lds si, cs:[pointer - low_start]
  note_word "ds", si
  mov ax, ds
  movzx eax, ax
  note "lds", eax
  xor ax, ax
  mov ds, ax

  # Stack
  mov esp, 0x00057000
  push 0x1234
  note "esp", esp
  pop ax
  mov sp, 0
  push 0x4321
  note "push at 0", esp
  pop ax
  note "pop at fffe", esp
  mov esp, 0x7000
  mov ax, 1
  mov cx, 2
  mov dx, 3
  mov bx, 4
  mov bp, 5
  mov si, 6
  mov di, 7
  pusha
  mov eax, [esp]
  note "pusha si di", eax
  mov eax, [esp + 12]
  note "pusha cx ax", eax
  mov eax, [esp + 6]
  note "pusha sp bx", eax
  popa
  enter 0x10, 3
  note "enter", esp
  movzx eax, bp
  note "enter bp", eax
  leave
  note "leave", esp
  mov eax, 0x12345678
  push eax
  pop cx
  pop dx
  shl ecx, 16
  mov cx, dx
  note "push 32", ecx
  .byte 0x9a
  .word far_target - low_start - 0x20, LOW_SEGMENT + 2
  note "far call", eax
  push cs
  push offset 1f - low_start
  retf 4
  note "not here", eax
1:
  note "retf 4", esp
  mov esp, 0x7000

  # Interrupts
  vector16 0x60, on_interrupt
  push 0x3602
  popf
  int 0x60
  pushf
  pop ax
  and eax, FLAGS16_SHOWN
  note "after iret", eax
  cli
  cld
  push 0
  popf
  attempt "div", div byte ptr cs:[zero - low_start]
  attempt "ud2", ud2
  attempt "int3", int3
  mov al, 0x7f
  add al, 1
  attempt "into", into
  mov ax, 9
  attempt "bound", bound ax, cs:[bounds - low_start]
  attempt "lldt", lldt ax
  attempt "sldt", sldt ax
  attempt "str", str ax
  attempt "lar", lar ax, ax
  attempt "lsl", lsl ax, ax
  attempt "verr", verr ax
  attempt "arpl", arpl_bytes
  attempt "ltr", ltr ax
  attempt "sysenter", sysenter
  attempt "lock inc", lock_inc
  attempt "clts", clts
  attempt "rdtsc", rdtsc
  attempt "sgdt", sgdt [0x700]

  # Loops and strings
  mov ecx, 0x10003
  xor eax, eax
2:
  inc ax
  loop 2b
  note "loop", eax
  note "loop ecx", ecx
  mov ecx, 0x20003
  mov edi, 0x5fffe
  mov ax, 0x2000
  mov es, ax
  mov al, 0x77
  rep stosb
  note "stosb edi", edi
  note "stosb ecx", ecx
  note_word "stosb wrapped", byte ptr es:[0]
  std
  mov cx, 2
  mov esi, 0x10001
  mov di, 1
  rep movsb
  cld
  note "movsb esi", esi
  note "movsb edi", edi

  # Single steps; a load of SS holds the next one back
  vector16 1, on_step
  push 0x102
  popf
  nop
  mov ax, ss
  mov ss, ax
  nop
  push 2
  popf
stepped:
  nop
  jmp back_to_protected

far_target:
  pop ax
  pop bx
  push bx
  push ax
  shl eax, 16
  mov ax, bx
  retf

on_interrupt:
  pushf
  pop ax
  and eax, FLAGS16_SHOWN
  note "flags in the handler", eax
  mov bp, sp
  mov ax, [bp + 4]
  and ax, FLAGS16_SHOWN
  note "flags pushed", eax
  mov ax, [bp + 2]
  note "cs pushed", eax
  iret

on_step:
  push bp
  push eax
  mov bp, sp
  movzx eax, word ptr [bp + 6]
  sub ax, offset stepped - low_start
  note "step", eax
  mov eax, dr6
  and eax, 0xe00f
  note "dr6", eax
  pop eax
  pop bp
  iret

zero: .byte 0
bounds: .word 5, 4
written: .word 0
pointer: .word 0x9abc, 0x2222
low_end:
.code32
