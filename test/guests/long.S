# SPDX-License-Identifier: BSD-2-Clause
# 64-bit mode: interrupts and IST, IRETQ, far transfers between widths, SYSCALL, SYSENTER, SWAPGS, canonical
# addresses (SDM vol. 3, 5.8 and 6.14).
.include "prologue.inc"
.include "descriptors.inc"
.include "long.inc"

.set NON_CANONICAL, 0x800000000000
.set CALL64, FREE          # 64-bit call gate, two entries
.set CALL64_BAD, FREE+0x10 # its upper half has a type
.set BOTH_WIDTHS, FREE+0x20 # L and D
.set CODE64_CONFORMING, FREE+0x28
.set CALL64_COMPAT, FREE+0x30 # a gate to 32-bit code
.set ABSENT64, FREE+0x40
.set READ_ONLY, FREE+0x48
.set LDT64, FREE+0x50

main:
  descriptor CALL64_BAD, 0, 0, 0
  gate CALL64, CODE64, gate_target, 0xec
  gate CALL64_BAD, CODE64, gate_target, 0xec
  mov dword ptr [gdt + CALL64_BAD + 12], 0x1f00
  gate CALL64_COMPAT, CODE32, gate_target, 0xec
  descriptor BOTH_WIDTHS, 0, 0xfffff, 0xe09b
  descriptor CODE64_CONFORMING, 0, 0xfffff, 0xa09f
  descriptor ABSENT64, 0, 0xfffff, 0xa01b
  descriptor READ_ONLY, 0, 0xfffff, 0xc0f1
  mov ebx, 0x801       # SCE, NXE
  mov edx, 0x10600     # FSGSBASE
  jmp enter_long

.macro simple name:req, instruction:vararg
  try "\name"
  \instruction
  endtry
.endm
.macro user name:req, instruction:vararg
  try "\name"
  enter_user
  \instruction
  leave_user
  endtry
.endm

# IRETQ with the frame given; where it arrives, CS, SS and RSP are shown.
.macro try_iretq name:req, cs:req, ss:req, flags=2, rsp=user_stack_top, rip=75f
  try "\name"
  push \ss
  push offset \rsp
  push \flags
  push \cs
  mov rax, offset \rip
  push rax
  iretq
75:
  mov ebx, cs
  mov ecx, ss
  mov edx, esp
  sub edx, offset user_stack_top
  leave_user
  show "cs", rbx
  show "ss", rcx
  show "rsp", rdx
  endtry
.endm

use64
long_main:
  gate64 0x30, show_frame, CODE64, 0xee
  user "int 30", int 0x30
  simple "int 30 in ring 0", int 0x30
  mov qword ptr [tss64 + 36], offset fault_stack_top
  gate64 0x30, show_frame, CODE64, 0xee, 1
  user "int 30, ist", int 0x30
  simple "int 30, ist in ring 0", int 0x30
  gate64 0x30, show_frame, CODE64, 0x8e
  user "int 30 of ring 0", int 0x30
  gate64 0x30, show_frame, CODE64, 0x6e
  user "int 30 absent", int 0x30
  gate64 0x30, show_frame, CODE64, 0xe6
  user "16-bit gate", int 0x30
  gate64 0x30, show_frame, CODE64, 0xe5
  user "task gate", int 0x30
  gate64 0x30, show_frame, CODE32, 0xee
  user "32-bit target", int 0x30
  gate64 0x30, show_frame, BOTH_WIDTHS, 0xee
  user "target of both widths", int 0x30
  gate64 0x30, show_frame, DATA, 0xee
  user "data target", int 0x30
  gate64 0x30, show_frame, 0, 0xee
  user "null target", int 0x30
  gate64 0x30, show_frame, ABSENT64, 0xee
  user "absent target", int 0x30
  gate64 0x30, show_frame, CODE64, 0xee
  mov dword ptr [idt + 0x30 * 16 + 8], 0x8000
  user "target not canonical", int 0x30
  gate64 0x30, show_frame, CODE64, 0xee
  mov dword ptr [idt + 0x30 * 16 + 8], 0
  mov rax, NON_CANONICAL + 0x1000
  mov [tss64 + 36], rax
  gate64 0x30, show_frame, CODE64, 0xee, 1
  user "ist not canonical", int 0x30
  gate64 0x30, show_frame, CODE64, 0xee

  try_iretq "iretq to ring 3", USER_CODE64, USER_DATA
  try_iretq "iretq to ring 0", CODE64, DATA
  try_iretq "iretq to ring 0, null ss", CODE64, 0
  try_iretq "iretq to ring 3, null ss", USER_CODE64, 0
  try_iretq "iretq to ring 3, null ss with rpl 3", USER_CODE64, 3
  try_iretq "iretq to ring 3, kernel ss", USER_CODE64, DATA
  try_iretq "iretq to null", 0, USER_DATA
  try_iretq "iretq to data", USER_DATA, USER_DATA
  try_iretq "iretq to both widths", BOTH_WIDTHS, DATA
  try_iretq "iretq to absent", ABSENT64, DATA
  try_iretq "iretq rpl 3 of kernel code", CODE64+3, USER_DATA
  try_iretq "iretq read-only ss", USER_CODE64, READ_ONLY+3
  try_iretq "iretq rip not canonical", USER_CODE64, USER_DATA, 2, user_stack_top, NON_CANONICAL
  try_iretq "iretq nt", CODE64, DATA, 0x4002
  try "iretq with nt"
  push 0x4002
  popfq
  iretq
  endtry
  try_iretq "iretq vm", CODE64, DATA, 0x20002
  try "iretq to compatibility mode"
  push USER_DATA
  push offset user_stack_top
  push 0x40002
  push USER_CODE32
  push offset 1f
  iretq
use32
1:
  mov eax, 0x11111111
  .byte 0x48                # dec eax here
  nop
  pushfd
  pop ecx
  and ecx, FLAGS_SHOWN
  mov edx, esp
  sub edx, offset user_stack_top
  int USER_EXIT
use64
  show "eax", rax
  show "fl", rcx
  show "rsp", rdx
  endtry
  try "fault in compatibility mode"
  push USER_DATA
  push offset user_stack_top
  push 2
  push USER_CODE32
  push offset 1f
  mov dword ptr [try_start], offset 1f
  iretq
use32
1:
  hlt
use64
  endtry

  # Far transfers
  try "far jump to 32-bit code and back"
  push CODE32
  push offset 1f
  retfq
use32
1:
  mov ecx, cs
  jmp CODE64:offset 2f
use64
2:
  mov edx, cs
  show "cs", rcx
  show "cs", rdx
  endtry
  simple "far jump to both widths", jmp fword ptr [pointer_both]
  simple "far jump to conforming", call fword ptr [pointer_conforming]
  simple "far jump to data", jmp fword ptr [pointer_data]
  simple "far jump to a tss", jmp fword ptr [pointer_tss]
  user "call gate", call fword ptr [pointer_gate]
  simple "call gate in ring 0", call fword ptr [pointer_gate]
  user "call gate with a type in its upper half", call fword ptr [pointer_bad_gate]
  user "call gate to 32-bit code", call fword ptr [pointer_compat_gate]
  user "jmp through a call gate", jmp fword ptr [pointer_gate]
  simple "opcode 9a", .byte 0x9a
  simple "opcode ea", .byte 0xea

  # Segment registers
  simple "ss null in ring 0", call load_ss_null
  simple "ss rpl 3", call load_ss_rpl3
  user "ss null in ring 3", call load_ss_null
  simple "lldt beyond half a descriptor", call lldt_end
  simple "ds code execute", mov ds, [selector_both]
  simple "lar of a 16-byte descriptor", call lar_tss
  try "fs base survives"
  mov ecx, 0xc0000100
  mov eax, 0x12345678
  mov edx, 0x1234
  wrmsr
  mov eax, fs
  rdfsbase rbx
  show "before", rbx
  mov eax, USER_DATA
  mov fs, eax
  rdfsbase rbx
  show "loaded", rbx
  wrmsr
  xor eax, eax
  mov fs, eax
  rdfsbase rbx
  show "null", rbx
  endtry
  try "wrfsbase not canonical"
  mov rax, NON_CANONICAL
  wrfsbase rax
  endtry
  user "wrgsbase in ring 3", wrgsbase rax

  # Canonical addresses
  mov rbx, NON_CANONICAL
  simple "read", mov al, [rbx]
  simple "write", mov [rbx], al
  simple "across the end", call across_hole
  try "rbp base"
  mov rbp, NON_CANONICAL
  mov al, [rbp]
  endtry
  try "rsp base"
  enter_user
  mov rsp, NON_CANONICAL
  mov al, [rsp]
  leave_user
  endtry
  try "push"
  enter_user
  mov rsp, NON_CANONICAL + 8
  push 1
  leave_user
  endtry
  simple "jmp", jmp rbx
  simple "call", call rbx
  try "ret"
  push rbx
  ret
  endtry
  simple "invlpg", invlpg [rbx]
  simple "fxsave", fxsave [rbx]
  simple "lgdt pointer", lgdt [rbx]
  simple "lgdt value", lgdt [bad_table]
  lgdt [gdtr]
  simple "clflush", clflush [rbx]
  simple "prefetch", prefetcht0 [rbx]
  simple "wrmsr lstar", call wrmsr_lstar
  simple "mov dr0", mov dr0, rbx
  mov rax, dr0
  show "dr0", rax
  newline

  jmp calls
.include "long-calls.inc"
.include "long-targets.inc"

.data
.align 8
pointer_both: .long 0
  .word BOTH_WIDTHS
pointer_conforming: .long plain_target
  .word CODE64_CONFORMING
pointer_data: .long 0
  .word DATA
pointer_tss: .long 0
  .word TSS64
pointer_gate: .long 0
  .word CALL64
pointer_bad_gate: .long 0
  .word CALL64_BAD
pointer_compat_gate: .long 0
  .word CALL64_COMPAT
selector_both: .word BOTH_WIDTHS
bad_table: .word 0xff
  .quad NON_CANONICAL
scratch: .skip 16
.text
