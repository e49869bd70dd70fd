# SPDX-License-Identifier: BSD-2-Clause
# Debug exceptions: breakpoints on instructions, data and ports, single steps, general detect, INT1, and how MOV SS holds
# them back (SDM vol. 3, 17.2-17.3).
.include "prologue.inc"

.set FIXED6, 0xffff0ff0

# A try in which #DB is noted by on_debug and execution goes on. Breakpoint n is on `address`.
.macro debug_try name:req
  xor eax, eax
  mov dr6, eax
  say "\name"
  say ":"
  mov dword ptr [try_start], offset 76f
76:
.endm
.macro end_debug_try
  mov eax, 0x400
  mov dr7, eax
  say " end"
  mov eax, dr6
  show "dr6", eax
  newline
.endm
.macro set_dr7 value:req
  mov eax, \value
  mov dr7, eax
.endm
.macro flags value:req
  push \value
  popfd
.endm

main:
  gate32 1, on_debug, CODE32, 0x8e
  gate32 0x30, plain_iret, CODE32, 0x8e
  mov eax, offset word_at
  mov dr0, eax
  mov eax, offset word_at + 4
  mov dr1, eax

  debug_try "write breakpoint, 4 bytes"
  set_dr7 0xd0402
  mov eax, [word_at]
  mov [word_at], eax
  nop
  mov byte ptr [word_at + 3], 1
  nop
  mov byte ptr [word_at + 4], 1
  mov dword ptr [word_at - 1], 1
  nop
  mov dword ptr [word_at - 4], 1
  end_debug_try
  debug_try "access breakpoint, 1 byte, local"
  set_dr7 0x30401
  mov eax, [word_at]
  nop
  mov eax, [word_at + 1]
  inc byte ptr [word_at]
  nop
  end_debug_try
  debug_try "two at once"
  set_dr7 0xdd040a
  mov dword ptr [word_at + 2], 5
  nop
  end_debug_try
  debug_try "disabled"
  set_dr7 0xdd0400
  mov [word_at], eax
  nop
  end_debug_try
  debug_try "string"
  set_dr7 0xd0402
  mov edi, offset word_at - 8
  mov ecx, 16
  rep stosb
  nop
  end_debug_try
  debug_try "push onto it"
  set_dr7 0xd0402
  mov ebx, esp
  mov esp, offset word_at + 4
  push eax
  mov esp, ebx
  end_debug_try

  mov eax, offset 1f
  mov dr2, eax
  debug_try "instruction breakpoint"
  set_dr7 0x420
  nop
1:
  nop
  nop
  end_debug_try
  mov eax, offset 1f
  mov dr2, eax
  debug_try "instruction breakpoint behind mov ss"
  set_dr7 0x420
  mov ax, ss
  mov ss, ax
1:
  nop
  nop
  end_debug_try
  mov eax, offset 1f
  mov dr2, eax
  debug_try "instruction breakpoint with RF"
  set_dr7 0x420
  pushfd
  or dword ptr [esp], 0x10000
  push CODE32
  push offset 1f
  iretd
1:
  nop
  end_debug_try
  mov eax, offset 1f
  mov dr2, eax
  mov dr3, eax
  debug_try "two on one instruction"
  set_dr7 0x4a0
1:
  nop
  end_debug_try

  debug_try "single step"
  flags 0x102
  nop
  mov eax, 1
  flags 2
  nop
  end_debug_try
  debug_try "single step, mov ss"
  flags 0x102
  mov ax, ss
  mov ss, ax
  nop
  nop
  flags 2
  end_debug_try
  debug_try "single step, rep"
  mov ecx, 3
  mov edi, offset word_at
  flags 0x102
  rep stosb
  nop
  flags 2
  end_debug_try
  debug_try "single step, int and iret"
  flags 0x102
  int 0x30
  nop
  flags 2
  end_debug_try
  debug_try "single step, into not taken"
  xor eax, eax
  flags 0x102
  into
  nop
  flags 2
  end_debug_try
  debug_try "step and data at once"
  set_dr7 0xd0402
  flags 0x102
  mov [word_at], eax
  flags 2
  end_debug_try
  debug_try "data, then mov ss"
  set_dr7 0xf0402
  mov word ptr [word_at], ss
  mov ss, [word_at]
  nop
  nop
  end_debug_try
  debug_try "iret to tf"
  pushfd
  or dword ptr [esp], 0x100
  push CODE32
  push offset 1f
  iretd
1:
  nop
  flags 2
  end_debug_try
  debug_try "a fault under tf"
  gate32 6, skip_ud2, CODE32, 0x8e
  flags 0x102
  ud2
  nop
  flags 2
  end_debug_try
  ungate32 6

  debug_try "general detect"
  set_dr7 0x2400
  mov eax, dr0
  mov ebx, dr7
  show "dr7", ebx
  end_debug_try

  mov eax, cr4
  or eax, 8
  mov cr4, eax
  mov eax, 0x80
  mov dr3, eax
  debug_try "port breakpoint"
  set_dr7 0x20000480
  out 0x80, al
  nop
  in al, 0x80
  nop
  out 0x81, al
  out 0x7f, ax
  nop
  end_debug_try

  gate32 1, vectors32+16, CODE32, 0x8e
  try "dr4 with DE"
  mov eax, dr4
  endtry
  try "dr5 with DE"
  mov dr5, eax
  endtry
  mov eax, cr4
  and eax, ~8
  mov cr4, eax
  try "dr4 without DE"
  mov eax, dr4
  show "dr4", eax
  mov eax, dr5
  show "dr5", eax
  endtry
  mov eax, -1
  mov dr6, eax
  mov eax, dr6
  show "dr6", eax
  mov eax, 0xffffdf00
  mov dr7, eax
  mov eax, dr7
  show "dr7", eax
  xor eax, eax
  mov dr6, eax
  mov eax, dr6
  show "dr6", eax
  xor eax, eax
  mov dr7, eax
  mov eax, dr7
  show "dr7", eax
  newline
  jmp finish

# Notes where the exception came and why; RF in its frame lets an instruction breakpoint pass.
on_debug:
  push eax
  push ecx
  mov eax, [esp + 8]
  sub eax, [try_start]
  show "at", eax
  mov eax, dr6
  show "6", eax
  mov eax, [esp + 16]
  and eax, 0x10100
  show "fl", eax
  xor eax, eax
  mov dr6, eax
  or dword ptr [esp + 16], 0x10000
  pop ecx
  pop eax
  iretd
plain_iret:
  nop
  iretd
skip_ud2:
  push eax
  mov eax, [esp + 12]
  and eax, 0x10100
  show "pushed", eax
  add dword ptr [esp + 4], 2
  pop eax
  iretd

.bss
.align 16
  .skip 16
word_at: .skip 32
.text
