# SPDX-License-Identifier: BSD-2-Clause
# 64-bit mode in ring 0: integer instructions, page tables that change, faults and their addresses.
.include "prologue.inc"
.include "long.inc"
.include "engines/engine.inc"

.set ALIAS, 0xa00000       # a page of its own, at another linear address
.set PAGE_TABLE, 0x404000
.set TARGET, 0x700000

begin_long efer=0x801    # SCE, NXE
  call map_devices

  say "integers:"
  mov rbx, 0x9e3779b97f4a7c15
  mov ecx, 1000
  xor r12d, r12d
1:
  mov rax, rbx
  mul rcx
  xor r12, rdx
  add r12, rax
  ror r12, 7
  bswap rax
  xor rbx, rax
  bsf rax, rbx
  add r12, rax
  shld r12, rbx, 3
  lea rbx, [rbx + rcx * 4 + 1]
  adc r12, 0
  dec ecx
  jnz 1b
  show "r12", r12
  show "rbx", rbx
  newline

  say "division:"
  mov rax, 0x123456789abcdef0
  xor edx, edx
  mov rcx, 0x12345
  div rcx
  show "quotient", rax
  show "rest", rdx
  mov rax, -1000
  cqo
  mov ecx, 7
  idiv rcx
  show "quotient", rax
  show "rest", rdx
  newline

  say "strings:"
  mov edi, TARGET
  mov ecx, 1000
  mov eax, 0x5aa55aa5
  rep stosd
  mov esi, TARGET
  mov edi, TARGET + 4000
  mov ecx, 500
  rep movsq
  hash_memory "hash", TARGET, 8000
  newline

  say "atomics:"
  mov qword ptr [TARGET], 5
  mov eax, 5
  mov ecx, 9
  lock cmpxchg [TARGET], rcx
  mov rdx, [TARGET]
  show "swapped", rdx
  mov ecx, 100
  lock xadd [TARGET], rcx
  show "before", rcx
  mov rdx, [TARGET]
  show "after", rdx
  newline

  # The page at ALIAS by a table of 4 KiB pages, which leads to TARGET.
  mov edi, PAGE_TABLE
  mov ecx, 1024
  xor eax, eax
  rep stosd
  mov qword ptr [PAGE_TABLE], TARGET + 3
  mov qword ptr [DIRECTORY + (ALIAS >> 21) * 8], PAGE_TABLE + 3
  invlpg [ALIAS]
  mov qword ptr [TARGET + 8], 0x77
  mov rdx, [ALIAS + 8]
  say "alias:"
  show "read", rdx
  mov rdx, [PAGE_TABLE]
  show "entry", rdx
  mov qword ptr [ALIAS + 16], 0x88
  mov rdx, [TARGET + 16]
  show "written", rdx
  mov rdx, [PAGE_TABLE]
  show "entry", rdx
  newline
  try "absent page"
  mov al, [ALIAS + 0x1000]
  endtry
  mov qword ptr [PAGE_TABLE], TARGET + 1
  mov rax, cr0
  or eax, 0x10000          # WP
  mov cr0, rax
  invlpg [ALIAS]
  try "read-only page"
  mov [ALIAS], al
  endtry
  try "division by zero"
  xor ecx, ecx
  div ecx
  endtry
  try "not canonical"
  mov rax, 0x800000000000
  mov al, [rax]
  endtry
  jmp switch_off
