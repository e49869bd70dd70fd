# SPDX-License-Identifier: BSD-2-Clause
# x2APIC mode, its legal and illegal transitions, error status, NMI blocking, the TSC deadline, PCIDs and MSRs that are
# not there (SDM vol. 3, 10.12, 10.5.3, 10.5.4.1, 6.7.1 and 4.10.1).
#qemu none: TCG of QEMU 7.2 has neither x2APIC nor TSC deadline nor PCIDs, reads unknown MSRs as zero and takes NMIs late
.include "prologue.inc"
.include "long.inc"

.set BASE, 0x1b
.set X2, 0x800
.set AT, 0x40000000
.set PDE, 0x404000
.set PTE, 0x405000
.set FRAME, 0x500000

.macro write_msr number:req, low:req, high=0
  mov ecx, \number
  mov eax, \low
  mov edx, \high
  wrmsr
.endm
.macro show_msr name:req, number:req
  mov ecx, \number
  rdmsr
  show \name, rax
.endm
.macro try_write name:req, number:req, low:req, high=0
  try "\name"
  write_msr \number, \low, \high
  endtry
.endm
.macro try_read name:req, number:req
  try "\name"
  mov ecx, \number
  rdmsr
  show "is", rax
  endtry
.endm

main:
  xor ebx, ebx
  mov edx, 0x600
  jmp enter_long
use64
long_main:
  gate64 2, on_nmi
  gate64 0x41, on_interrupt
  gate64 0x61, on_interrupt
  try_read "x2apic registers in xapic mode", X2+0x02
  try_write "x2apic without the apic", BASE, 0xfee00500
  try_write "to x2apic", BASE, 0xfee00d00
  try_write "back to xapic", BASE, 0xfee00900
  try_write "reserved bits", BASE, 0xfee00d01
  try_read "id", X2+0x02
  try_read "version", X2+0x03
  try_read "ldr", X2+0x0d
  try_read "dfr", X2+0x0e
  try_read "eoi", X2+0x0b
  try_read "high half of icr", X2+0x31
  try_write "svr", X2+0x0f, 0x1ff
  try_write "write id", X2+0x02, 1
  try_write "write isr", X2+0x10, 0
  try_write "eoi of 1", X2+0x0b, 1
  try_write "esr of 1", X2+0x28, 1
  try_write "tpr of 100", X2+0x08, 0x100
  try_write "tpr with a high half", X2+0x08, 0, 1
  try_write "icr reserved", X2+0x30, 0x2000
  write_msr X2+0x35, 0x10000
  say "self ipi:"
  write_msr X2+0x3f, 0x41
  show_msr "irr", X2+0x22
  sti
  nop
  cli
  write_msr X2+0x30, 0x41, 0
  sti
  nop
  cli
  newline
  say "errors:"
  write_msr X2+0x37, 0x61
  write_msr X2+0x3f, 0x0f
  write_msr X2+0x28, 0
  show_msr "esr", X2+0x28
  write_msr X2+0x28, 0
  show_msr "esr", X2+0x28
  sti
  nop
  cli
  newline
  say "deadline:"
  write_msr X2+0x32, 0x40041
  write_msr X2+0x38, 1000   # has no effect
  show_msr "initial", X2+0x38
  rdtsc
  add eax, 50000
  mov ecx, 0x6e0
  wrmsr
  sti
  hlt
  cli
  show_msr "then", 0x6e0
  write_msr 0x6e0, 1        # long past
  sti
  nop
  nop
  cli
  write_msr 0x6e0, 0xffff, 0xffff
  write_msr X2+0x32, 0x41
  show_msr "disarmed", 0x6e0
  newline
  say "nmi:"
  write_msr X2+0x30, 0x40400
  nop
  newline
  try_write "apic off", BASE, 0xfee00100
  try_write "from off to x2apic", BASE, 0xfee00d00
  try_write "from off to xapic", BASE, 0xfee00900

  .irp number, 0x99, 0x12345, 0xc0000105, 0xc0010015, 0x4b564d00
  try_read "msr \number", \number
  try_write "msr \number", \number, 0
  .endr
  try_write "pat type 2", 0x277, 2
  try_write "misc enable", 0x1a0, 1

  # PCIDs
  mov dword ptr [PDPT + 8], PDE + 7
  mov dword ptr [PDE], PTE + 7
  mov dword ptr [PTE], FRAME + 7
  mov byte ptr [FRAME], 0x11
  mov byte ptr [FRAME + 0x1000], 0x22
  try "PCIDE with bits in CR3"
  mov rax, cr3
  or eax, 8
  mov cr3, rax
  mov rax, cr4
  or eax, 0x20000
  mov cr4, rax
  endtry
  mov eax, PML4
  mov cr3, rax
  mov rax, cr4
  or eax, 0x20000
  mov cr4, rax
  say "pcid"
  mov ebx, PML4 + 1
  mov cr3, rbx
  movzx eax, byte ptr [AT]
  show "first", rax
  mov dword ptr [PTE], FRAME + 0x1007
  bts rbx, 63
  mov cr3, rbx              # keeps what is cached
  movzx eax, byte ptr [AT]
  show "kept", rax
  mov eax, PML4 + 2
  mov cr3, rax
  movzx eax, byte ptr [AT]
  show "other", rax
  mov cr3, rbx
  movzx eax, byte ptr [AT]
  show "back", rax
  mov eax, 1
  mov qword ptr [descriptor], 1
  mov qword ptr [descriptor + 8], 0
  invpcid rax, [descriptor]
  movzx eax, byte ptr [AT]
  show "invpcid", rax
  newline
  .irp type, 0, 1, 2, 3, 4
  try "invpcid \type"
  mov eax, \type
  invpcid rax, [descriptor]
  endtry
  .endr
  mov qword ptr [descriptor], 0x1000
  try "invpcid reserved"
  mov eax, 1
  invpcid rax, [descriptor]
  endtry
  mov rax, 0x800000000000
  mov qword ptr [descriptor], 1
  mov [descriptor + 8], rax
  try "invpcid not canonical"
  xor eax, eax
  invpcid rax, [descriptor]
  endtry
  try "paging off with PCIDE"
  mov rax, cr0
  btr rax, 31
  mov cr0, rax
  endtry
  .irp bit, 14, 15, 18, 22, 23, 24, 31, 32, 63
  try "cr4 bit \bit"
  mov rax, cr4
  bts rax, \bit
  mov cr4, rax
  endtry
  .endr
  try "PAE off"
  mov rax, cr4
  btr rax, 5
  mov cr4, rax
  endtry
  try "NW without CD"
  mov rax, cr0
  bts rax, 29
  mov cr0, rax
  endtry
  try "cr0 high half"
  mov rax, cr0
  bts rax, 32
  mov cr0, rax
  endtry
  try "PE off"
  mov rax, cr0
  btr rax, 0
  mov cr0, rax
  endtry
  try "cr3 beyond the physical addresses"
  mov rax, cr3
  bts rax, 45
  mov cr3, rax
  endtry
  jmp finish64

on_interrupt:
  push rax
  push rcx
  push rdx
  say " interrupt"
  write_msr X2+0x0b, 0
  pop rdx
  pop rcx
  pop rax
  iretq
on_nmi:
  push rax
  push rcx
  push rdx
  say " nmi"
  xor byte ptr [nested], 1
  jz 1f
  write_msr X2+0x30, 0x40400
  nop
  say " still inside"
1:
  pop rdx
  pop rcx
  pop rax
  iretq

.data
.align 16
descriptor: .quad 0, 0
nested: .byte 0
.text
