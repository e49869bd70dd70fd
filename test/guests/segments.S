# SPDX-License-Identifier: BSD-2-Clause
# Segment loads; LAR, LSL, VERR, VERW and ARPL; the LDT (SDM vol. 3, 5.3-5.7).
.include "prologue.inc"
.include "segments.inc"

# Loads DS and says what became of it.
.macro try_ds name:req, selector:req
  try "\name"
  mov eax, \selector
  mov ds, eax
  call flat_segments
  endtry
.endm

.macro try_ss name:req, selector:req
  try "\name"
  mov eax, \selector
  mov ss, eax
  call flat_segments
  endtry
.endm

.macro ask selector:req
  mov ecx, \selector
  mov eax, 0x11111111
  lar eax, ecx
  setz bl
  and eax, 0xf0ffff      # bits 16-19 are undefined
  movzx ebx, bl
  say "selector"
  show "is", ecx
  show "lar", ebx
  show "rights", eax
  mov eax, 0x22222222
  lsl eax, ecx
  setz bl
  movzx ebx, bl
  show "lsl", ebx
  show "limit", eax
  verr cx
  setz bl
  movzx ebx, bl
  show "verr", ebx
  verw cx
  setz bl
  movzx ebx, bl
  show "verw", ebx
  newline
.endm

.macro ask_all
  .irp s, 0, CODE32, DATA, USER_CODE32, USER_DATA, TSS32, SMALL, SMALL+3, DOWN, READ_ONLY, EXECUTE_ONLY, CONFORMING, CONFORMING+3, ABSENT, LDT, CODE3, CODE3+3, GATE, GATE+3, 0x7ff8, 4, 0xc, 0x14
  ask \s
  .endr
.endm

main:
  call make_descriptors
  try_ds "null", 0
  try_ds "null with rpl", 3
  try_ds "data", DATA
  try_ds "data rpl 3", DATA+3
  try_ds "user data rpl 0", USER_DATA-3
  try_ds "code", CODE32
  try_ds "execute-only", EXECUTE_ONLY
  try_ds "read-only", READ_ONLY
  try_ds "tss", TSS32
  try_ds "absent", ABSENT
  try_ds "beyond the table", 0x7ff8
  try_ds "local, no ldt", 0xc
  try_ss "ss null", 0
  try_ss "ss user", USER_DATA
  try_ss "ss rpl", DATA+3
  try_ss "ss read-only", READ_ONLY
  try_ss "ss code", CODE32
  try_ss "ss absent", ABSENT
  try_ss "ss beyond", 0x7ff8
  try "cs"
  .byte 0x8e, 0xc8
  endtry
  try "sixth"
  .byte 0x8e, 0xf0
  endtry

  # Accessed bit
  mov byte ptr [gdt + SMALL+5], 0x92
  mov eax, SMALL
  mov fs, eax
  movzx eax, byte ptr [gdt + SMALL+5]
  say "accessed"
  show "data", eax
  mov byte ptr [gdt + SMALL+5], 0x92
  lar eax, ecx
  mov ecx, SMALL
  verr cx
  movzx eax, byte ptr [gdt + SMALL+5]
  show "verr", eax
  newline

  ask_all
  try "lldt local"
  mov eax, 4
  lldt ax
  endtry
  try "lldt data"
  mov eax, DATA
  lldt ax
  endtry
  try "lldt absent"
  mov eax, ABSENT_LDT
  lldt ax
  endtry
  try "lldt beyond"
  mov eax, 0x7ff8
  lldt ax
  endtry
  try "ltr busy"
  mov eax, TSS32
  ltr ax
  endtry
  try "ltr null"
  xor eax, eax
  ltr ax
  endtry
  try "lldt"
  mov eax, LDT
  lldt ax
  sldt eax
  show "sldt", eax
  endtry
  try_ds "local data", 0xc
  try_ds "local null", 4
  try_ds "local beyond", 0x1c
  ask_all
  try "local code"
  jmp 0x14:offset 1f
1:
  mov eax, cs
  show "cs", eax
  jmp CODE32:offset 2f
2:
  endtry
  try "lldt null"
  xor eax, eax
  lldt ax
  sldt eax
  show "sldt", eax
  endtry
  try_ds "local after null", 0xc

  .irp pair, 0x0003, 0x0300, 0x0102, 0x0201, 0x0303
  mov eax, 0x12340000 + (\pair & 0xff)
  mov ecx, 0x56780000 + (\pair >> 8)
  arpl ax, cx
  setz bl
  movzx ebx, bl
  say "arpl"
  show "to", eax
  show "zf", ebx
  newline
  .endr
  call loads_of_pairs
  jmp finish

loads_of_pairs:
  mov dword ptr [0x200000], 0x12345678
  mov word ptr [0x200004], SMALL
  try "lfs"
  lfs ebx, [0x200000]
  mov eax, fs
  show "fs", eax
  show "ebx", ebx
  endtry
  call flat_segments
  mov word ptr [0x200004], ABSENT
  mov ebx, 5
  try "les absent"
  les ebx, [0x200000]
  endtry
  try "lss user"
  mov word ptr [0x200004], USER_DATA
  lss esp, [0x200000]
  endtry
  try "pop ds absent keeps esp"
  push ABSENT
  pop ds
  endtry
  try "mov to memory of a selector is 16 bits"
  mov dword ptr [0x200000], -1
  mov word ptr [0x200000], ds
  mov eax, [0x200000]
  show "word", eax
  push -1
  pop eax
  push ds
  pop eax
  and eax, 0xffff
  show "push", eax
  endtry
  ret
