# SPDX-License-Identifier: BSD-2-Clause
# 32-bit paging with small and large pages, and its faults.
.include "prologue.inc"
.include "engines/end.inc"

.set PAGES, 0x400000
.set TABLE32, 0x401000
.set TARGET, 0x700000

main:
  fninit                   # a reset leaves FCW as 40, some engines as 37f
  mov dword ptr [TARGET], 0x11223344
  # 0 to 8 MiB as they are by large pages, 0x800000 by small ones.
  mov edi, PAGES
  mov ecx, 0x800
  xor eax, eax
  rep stosd
  mov dword ptr [PAGES], 0x83
  mov dword ptr [PAGES + 4], 0x400083
  mov dword ptr [PAGES + 8], TABLE32 + 3
  mov dword ptr [TABLE32], TARGET + 3
  mov eax, cr4
  or eax, 0x10             # PSE
  mov cr4, eax
  mov eax, PAGES
  mov cr3, eax
  mov eax, cr0
  or eax, 0x80010000       # PG, WP
  mov cr0, eax
  say "paging:"
  mov ecx, [0x800000]
  show "read", ecx
  mov ecx, [TABLE32]
  show "entry", ecx
  mov dword ptr [0x800008], 0xabcd
  mov ecx, [TARGET + 8]
  show "written", ecx
  mov ecx, [TABLE32]
  show "entry", ecx
  newline
  try "absent page"
  mov eax, [0x801234]
  endtry
  mov dword ptr [TABLE32], TARGET + 1
  invlpg [0x800000]
  try "read-only page"
  mov [0x800004], eax
  endtry
  try "absent table"
  mov eax, [0xc00000]
  endtry
  jmp switch_off
