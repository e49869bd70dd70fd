# SPDX-License-Identifier: BSD-2-Clause
# 4-level paging: error codes, WP, NX, SMEP, SMAP, reserved bits, large pages, A and D, global pages, INVLPG
# (SDM vol. 3, 4.5-4.10).
.include "prologue.inc"
.include "long.inc"

.set AT, 0x40000000        # the linear address under test: first page of the second GiB
.set FRAME, 0x500000
.set PDPTE, PDPT + 8
.set PDE, 0x404000
.set PTE, 0x405000
.set NX_HIGH, 0x80000000
.set CR4_SMEP, 1 << 20
.set CR4_SMAP, 1 << 21

# Maps AT with the low and high words of the PTE given, the rest as permissive as can be.
.macro map low:req, high=0
  mov dword ptr [PTE], FRAME + (\low)
  mov dword ptr [PTE + 4], \high
  invlpg [AT]
.endm

.macro reset_tables
  mov dword ptr [PDPTE], PDE + 7
  mov dword ptr [PDPTE + 4], 0
  mov dword ptr [PDE], PTE + 7
  mov dword ptr [PDE + 4], 0
  map 7
.endm

.macro try_kernel name:req, instruction:vararg
  try "\name"
  \instruction
  endtry
.endm
.macro try_user name:req, instruction:vararg
  try "\name"
  enter_user
  \instruction
  leave_user
  endtry
.endm

# Every access of the two privileges with the mapping as it stands.
.macro kernel_accesses name:req
  say "\name\n"
  try_kernel " read", mov al, [AT]
  try_kernel " write", mov [AT], al
  try " fetch"
  mov dword ptr [try_start], AT
  mov rax, AT
  call rax
  endtry
.endm
.macro all_accesses name:req
  kernel_accesses "\name"
  try_user " user read", mov al, [AT]
  try_user " user write", mov [AT], al
  try " user fetch"
  enter_user
  mov dword ptr [try_start], AT
  mov rax, AT
  call rax
  leave_user
  endtry
.endm

.macro show_entry name:req, address:req
  mov rax, [\address]
  show \name, rax
.endm

.macro cr4_set bits:req
  mov rax, cr4
  or rax, \bits
  mov cr4, rax
.endm
.macro cr4_clear bits:req
  mov rax, cr4
  and rax, ~(\bits)
  mov cr4, rax
.endm

main:
  mov ebx, 0x800       # NXE
  mov edx, 0x600
  jmp enter_long
use64
long_main:
  mov byte ptr [FRAME], 0xc3
  mov byte ptr [FRAME + 0x1000], 0xc3
  reset_tables
  all_accesses "all allowed"
  map 0x5
  all_accesses "read-only"
  map 0x3
  all_accesses "supervisor"
  map 0x1
  all_accesses "supervisor, read-only"
  map 0x6
  all_accesses "absent"
  map 0x7, NX_HIGH
  all_accesses "no execute"
  map 0x7, 0x1000         # bit 44
  all_accesses "reserved"
  map 0x6, 0x1000
  all_accesses "absent and reserved"
  reset_tables
  mov dword ptr [PDE], PTE + 5
  invlpg [AT]
  all_accesses "read-only directory"
  mov dword ptr [PDE], PTE + 3
  invlpg [AT]
  all_accesses "supervisor directory"
  mov dword ptr [PDE], PTE + 6
  invlpg [AT]
  all_accesses "absent directory"
  mov dword ptr [PDE], PTE + 7
  mov dword ptr [PDPTE + 4], NX_HIGH
  invlpg [AT]
  all_accesses "no execute above"
  reset_tables

  mov rax, cr0
  and eax, ~0x10000
  mov cr0, rax
  map 0x5
  all_accesses "read-only, WP clear"
  mov rax, cr0
  or eax, 0x10000
  mov cr0, rax

  # Reserved bits and sizes of every level
  reset_tables
  mov dword ptr [PML4 + 8], PDPT + 7 + 0x80
  mov rbx, 0x8000000000
  try_kernel "PS in a PML4 entry", mov al, [rbx]
  mov dword ptr [PML4 + 8], 0
  mov dword ptr [PDPTE], 0x40000087
  invlpg [AT]
  mov rbx, AT + 0x123456
  mov dword ptr [PDPTE], 0x00000087
  try_kernel "1 GiB page", mov al, [AT + FRAME]
  mov dword ptr [PDPTE], 0x00002087
  invlpg [AT + FRAME]
  try_kernel "1 GiB page, reserved", mov al, [AT + FRAME]
  reset_tables
  mov dword ptr [PDE], 0x00400087
  invlpg [AT]
  try_kernel "2 MiB page", mov al, [AT + 0x100000]
  mov dword ptr [PDE], 0x00402087
  invlpg [AT]
  try_kernel "2 MiB page, reserved", mov al, [AT + 0x100000]
  reset_tables
  mov dword ptr [PTE], FRAME + 0x87
  invlpg [AT]
  try_kernel "PAT in a PTE", mov al, [AT]

  # Accessed and dirty
  reset_tables
  mov al, [AT]
  say "read"
  show_entry "pdpte", PDPTE
  show_entry "pde", PDE
  show_entry "pte", PTE
  newline
  mov [AT], al
  say "write"
  show_entry "pdpte", PDPTE
  show_entry "pde", PDE
  show_entry "pte", PTE
  newline
  reset_tables
  map 5
  try " write to read-only"
  mov [AT], al
  endtry
  show_entry "pte", PTE
  map 3
  try " user"
  enter_user
  mov al, [AT]
  leave_user
  endtry
  show_entry "pte", PTE
  newline
  reset_tables
  lock cmpxchg [AT + 8], ecx
  say "cmpxchg"
  show_entry "pte", PTE
  newline
  mov dword ptr [PDE], 0x00400087
  invlpg [AT]
  mov al, [AT + 0x100000]
  say "large read"
  show_entry "pde", PDE
  mov [AT + 0x180000], al
  say " large write"
  show_entry "pde", PDE
  newline

  # Stale translations, INVLPG, CR3, global pages
  reset_tables
  mov byte ptr [FRAME], 0x11
  mov byte ptr [FRAME + 0x1000], 0x22
  map 7
  mov al, [AT]
  mov dword ptr [PTE], FRAME + 0x1007
  invlpg [AT]
  movzx ebx, byte ptr [AT]
  show "invlpg", rbx
  mov dword ptr [PTE], FRAME + 7
  mov rax, cr3
  mov cr3, rax
  movzx ebx, byte ptr [AT]
  show "cr3", rbx
  cr4_set 0x80
  map 0x107
  mov al, [AT]
  mov dword ptr [PTE], FRAME + 0x1107
  mov rax, cr3
  mov cr3, rax
  movzx ebx, byte ptr [AT]
  show "global", rbx
  invlpg [AT]
  movzx ebx, byte ptr [AT]
  show "invlpg", rbx
  mov dword ptr [PTE], FRAME + 0x107
  cr4_clear 0x80
  movzx ebx, byte ptr [AT]
  show "pge", rbx
  newline
  mov byte ptr [FRAME], 0xc3
  mov byte ptr [FRAME + 0x1000], 0xc3

  # SMEP and SMAP, with the guest itself on supervisor pages
  reset_tables
  mov dword ptr [DIRECTORY], 0x83
  mov dword ptr [DIRECTORY + 16], 0x400083
  mov rax, cr3
  mov cr3, rax
  cr4_set CR4_SMEP
  kernel_accesses "SMEP"
  map 3
  kernel_accesses "SMEP, supervisor page"
  reset_tables
  cr4_clear CR4_SMEP
  kernel_accesses "without SMEP"
  cr4_set CR4_SMAP
  say "SMAP\n"
  try_kernel " read", mov al, [AT]
  try_kernel " write", mov [AT], al
  stac
  try_kernel " read, AC", mov al, [AT]
  stac
  try_kernel " write, AC", mov [AT], al
  clac
  try_kernel " read after CLAC", mov al, [AT]
  try " fetch"
  mov rax, AT
  call rax
  endtry
  push 0x40002
  popfq
  try_kernel " read, AC by POPF", mov al, [AT]
  push 2
  popfq
  try_kernel " read after POPF", mov al, [AT]
  # A descriptor table on a user page is out of reach whatever AC is.
  mov dword ptr [gdt + FREE], 0x0000001f
  mov dword ptr [gdt + FREE + 4], 0x40008200
  mov eax, FREE
  lldt ax
  stac
  try " descriptor on a user page"
  mov eax, 4
  mov fs, eax
  endtry
  clac
  map 3
  try_kernel " supervisor page", mov al, [AT]
  jmp finish64
