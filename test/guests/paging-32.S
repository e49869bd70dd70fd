# SPDX-License-Identifier: BSD-2-Clause
# 32-bit paging with 4 MiB pages: error codes, WP, reserved bits, A and D, INVLPG, CR3 (SDM vol. 3, 4.3 and 4.6-4.10).
.include "prologue.inc"

.set DIRECTORY, 0x400000
.set TABLE, 0x401000
.set AT, 0x40000000
.set PDE, DIRECTORY + (AT >> 20)
.set PTE, TABLE
.set FRAME, 0x500000

.include "paging-32.inc"

.macro map low:req
  mov dword ptr [PTE], FRAME + (\low)
  invlpg [AT]
.endm
.macro directory value:req
  mov dword ptr [PDE], \value
  mov eax, cr3
  mov cr3, eax
.endm
.macro reset_tables
  mov dword ptr [PTE], FRAME + 7
  directory TABLE+7
.endm

main:
  mov edi, DIRECTORY
  mov ecx, 0x800
  xor eax, eax
  rep stosd
  mov byte ptr [FRAME], 0xc3
  mov byte ptr [FRAME + 0x1000], 0xc3
  mov dword ptr [DIRECTORY], 0x87
  mov dword ptr [DIRECTORY + 4], 0x400087
  mov eax, DIRECTORY
  mov cr3, eax
  mov eax, 0x10          # PSE
  mov cr4, eax
  mov eax, cr0
  or eax, 0x80010000
  mov cr0, eax
  reset_tables

  .irp low, 7, 5, 3, 1, 6
  say "pte \low\n"
  map \low
  call accesses
  .endr
  reset_tables
  .irp low, 5, 3, 1, 6
  say "pde \low\n"
  directory TABLE+\low
  call accesses
  .endr
  reset_tables
  set_cr0 0, 0x10000
  .irp low, 5, 3, 1
  say "without WP, pte \low\n"
  map \low
  call accesses
  .endr
  set_cr0 0x10000, 0

  # 4 MiB pages
  mov byte ptr [0x400000 + 0x100000], 0xc3
  .irp low, 0x83, 0x85, 0x86
  say "4 MiB, \low\n"
  directory 0x400000+\low
  try_kernel " read", mov al, [AT + 0x100000]
  try_kernel " write", mov [AT + 0x100000], al
  try_user " user write", mov [AT + 0x100000], al
  .endr
  say "reserved bit 21\n"
  directory 0x600087
  call accesses
  directory TABLE+0x87   # bits 12 to 20 are high address bits (PSE-36) or reserved; 12 is PAT
  try_kernel " PAT and address", mov al, [AT]
  reset_tables
  mov dword ptr [PTE], FRAME + 0x87
  try_kernel " PAT in a PTE", mov al, [AT]

  # Accessed and dirty
  reset_tables
  mov al, [AT]
  say "read"
  show_entry "pde", PDE
  show_entry "pte", PTE
  mov [AT], al
  say " write"
  show_entry "pde", PDE
  show_entry "pte", PTE
  newline
  map 5
  try_kernel "write to read-only", mov [AT], al
  show_entry "pte", PTE
  map 3
  try_user " user", mov al, [AT]
  show_entry "pte", PTE
  newline
  directory 0x400087
  mov al, [AT + 0x100000]
  say "large read"
  show_entry "pde", PDE
  mov [AT + 0x180000], al
  say " write"
  show_entry "pde", PDE
  newline

  # INVLPG, CR3, global pages
  reset_tables
  mov byte ptr [FRAME], 0x11
  mov byte ptr [FRAME + 0x1000], 0x22
  mov al, [AT]
  mov dword ptr [PTE], FRAME + 0x1007
  invlpg [AT]
  movzx ebx, byte ptr [AT]
  show "invlpg", ebx
  mov dword ptr [PTE], FRAME + 7
  reload_cr3
  movzx ebx, byte ptr [AT]
  show "cr3", ebx
  set_cr4 0x80, 0
  map 0x107
  mov al, [AT]
  mov dword ptr [PTE], FRAME + 0x1107
  reload_cr3
  movzx ebx, byte ptr [AT]
  show "global", ebx
  set_cr4 0, 0x80
  movzx ebx, byte ptr [AT]
  show "pge", ebx
  newline
  jmp finish
