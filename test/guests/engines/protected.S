# SPDX-License-Identifier: BSD-2-Clause
# 32-bit protected mode: segments with bases and limits, faults.
.include "prologue.inc"
.include "descriptors.inc"
.include "engines/end.inc"

.set WINDOW, FREE          # 16 bytes at 0x700000
.set TARGET, 0x700000

main:
  fninit                   # a reset leaves FCW as 40, some engines as 37f
  descriptor WINDOW, TARGET, 15, 0x4093
  mov dword ptr [TARGET], 0x11223344
  mov dword ptr [TARGET + 12], 0x55667788
  mov eax, WINDOW
  mov fs, eax
  say "segment:"
  mov ecx, fs:[0]
  show "first", ecx
  mov ecx, fs:[12]
  show "last", ecx
  mov dword ptr fs:[4], 0x99
  mov ecx, [TARGET + 4]
  show "written", ecx
  newline
  try "beyond the limit"
  mov eax, fs:[13]
  endtry
  try "null selector"
  xor eax, eax
  mov gs, eax
  mov eax, gs:[0]
  endtry
  try "selector outside the table"
  mov eax, 0xfff8
  mov gs, eax
  endtry

  try "division overflow"
  mov edx, 5
  xor eax, eax
  mov ecx, 5
  div ecx
  endtry

  say "loop:"
  mov ecx, 20000
  mov eax, 1
1:
  imul eax, eax, 1664525
  add eax, 1013904223
  rcl eax, 1
  dec ecx
  jnz 1b
  show "eax", eax
  newline
  jmp switch_off
