# SPDX-License-Identifier: BSD-2-Clause
# PAE paging: PDPTEs as loaded by MOV to CR3 and CR0, #GP on bad ones, error codes, NX, reserved bits, A and D
# (SDM vol. 3, 4.4 and 4.6-4.10).
.include "prologue.inc"

.set POINTERS, 0x400000    # the PDPT, 32-byte aligned
.set DIRECTORY0, 0x401000
.set DIRECTORY1, 0x402000
.set TABLE, 0x403000
.set AT, 0x40000000
.set PDE, DIRECTORY1
.set PTE, TABLE
.set FRAME, 0x500000
.set NX_HIGH, 0x80000000
.set EFER, 0xc0000080

.include "paging-32.inc"

.macro map low:req, high=0
  mov dword ptr [PTE], FRAME + (\low)
  mov dword ptr [PTE + 4], \high
  invlpg [AT]
.endm
.macro reset_tables
  mov dword ptr [PDE], TABLE + 7
  mov dword ptr [PDE + 4], 0
  mov dword ptr [PTE], FRAME + 7
  mov dword ptr [PTE + 4], 0
  reload_cr3
.endm
.macro try_pointer name:req, low:req, high=0
  mov dword ptr [POINTERS + 8], \low
  mov dword ptr [POINTERS + 12], \high
  try "\name"
  reload_cr3
  endtry
.endm

main:
  mov edi, POINTERS
  mov ecx, 0x1000
  xor eax, eax
  rep stosd
  mov byte ptr [FRAME], 0xc3
  mov byte ptr [FRAME + 0x1000], 0xc3
  mov dword ptr [POINTERS], DIRECTORY0 + 1
  mov dword ptr [POINTERS + 8], DIRECTORY1 + 1
  mov dword ptr [DIRECTORY0], 0x87
  mov dword ptr [DIRECTORY0 + 8], 0x200087
  mov dword ptr [DIRECTORY0 + 16], 0x400087
  mov ecx, EFER
  mov eax, 0x800           # NXE
  xor edx, edx
  wrmsr
  mov eax, POINTERS
  mov cr3, eax
  mov eax, 0x20            # PAE
  mov cr4, eax

  # PDPTEs are loaded, and checked, when paging goes on.
  mov dword ptr [POINTERS + 8], DIRECTORY1 + 3
  try "paging on with a bad pdpte"
  mov eax, cr0
  or eax, 0x80010000
  mov cr0, eax
  endtry
  mov eax, cr0
  and eax, 0x80010000
  show "cr0", eax
  newline
  mov dword ptr [POINTERS + 8], DIRECTORY1 + 1
  set_cr0 0x80010000, 0
  reset_tables
  try_pointer "pdpte reserved bit 1", DIRECTORY1+3
  try_kernel " the old ones stay", mov al, [AT]
  try_pointer "pdpte reserved bit 2", DIRECTORY1+5
  try_pointer "pdpte reserved bit 5", DIRECTORY1+0x21
  try_pointer "pdpte reserved bit 8", DIRECTORY1+0x101
  try_pointer "pdpte PWT and PCD", DIRECTORY1+0x19
  try_pointer "pdpte ignored bits", DIRECTORY1+0xe01
  try_pointer "pdpte bit 63", DIRECTORY1+1, NX_HIGH
  try_pointer "pdpte bit 44", DIRECTORY1+1, 0x1000
  try_pointer "pdpte absent, bits set", DIRECTORY1+0x106, NX_HIGH
  try_kernel " read", mov al, [AT]
  mov dword ptr [POINTERS + 12], 0
  mov dword ptr [POINTERS + 8], DIRECTORY1 + 1
  invlpg [AT]
  try_kernel "pdpte before cr3 is loaded", mov al, [AT]
  reload_cr3
  try_kernel "pdpte after", mov al, [AT]
  mov dword ptr [POINTERS + 8], DIRECTORY1 + 3
  try "CR4.PSE with a bad pdpte"
  set_cr4 0x10, 0
  endtry
  try "CR4.PGE with a bad pdpte"
  set_cr4 0x80, 0
  endtry
  try "CR0.TS with a bad pdpte"
  set_cr0 8, 0
  endtry
  try "CR0.CD with a bad pdpte"
  set_cr0 0x40000000, 0
  endtry
  mov dword ptr [POINTERS + 8], DIRECTORY1 + 1
  set_cr4 0, 0x90
  set_cr0 0, 0x40000008

  reset_tables
  .irp low, 7, 5, 3, 1, 6
  say "pte \low\n"
  map \low
  call accesses
  .endr
  say "no execute\n"
  map 7, NX_HIGH
  call accesses
  say "reserved\n"
  map 7, 0x1000
  call accesses
  reset_tables
  .irp low, 5, 3, 6
  say "pde \low\n"
  mov dword ptr [PDE], TABLE + \low
  invlpg [AT]
  call accesses
  .endr
  mov dword ptr [PDE], TABLE + 7
  mov dword ptr [PDE + 4], NX_HIGH
  invlpg [AT]
  try " no execute above"
  mov dword ptr [try_start], AT
  mov eax, AT
  call eax
  endtry
  mov dword ptr [PDE + 4], 0
  mov dword ptr [PDE], 0x400087
  invlpg [AT]
  try_kernel "2 MiB page", mov al, [AT + 0x100000]
  mov dword ptr [PDE], 0x402087
  invlpg [AT]
  try_kernel "2 MiB page, reserved", mov al, [AT + 0x100000]

  # NX without NXE is reserved.
  reset_tables
  mov ecx, EFER
  xor eax, eax
  xor edx, edx
  wrmsr
  map 7, NX_HIGH
  try_kernel "NX without NXE", mov al, [AT]
  map 7
  try_kernel "without", mov al, [AT]

  # Accessed and dirty
  reset_tables
  mov al, [AT]
  say "read"
  show_entry "pdpte", POINTERS+8
  show_entry "pde", PDE
  show_entry "pte", PTE
  mov [AT], al
  say " write"
  show_entry "pde", PDE
  show_entry "pte", PTE
  newline
  mov dword ptr [PTE], FRAME + 0x1007
  invlpg [AT]
  mov byte ptr [FRAME], 0x11
  mov byte ptr [FRAME + 0x1000], 0x22
  movzx ebx, byte ptr [AT]
  show "invlpg", ebx
  mov dword ptr [PTE], FRAME + 7
  reload_cr3
  movzx ebx, byte ptr [AT]
  show "cr3", ebx
  newline
  jmp finish
