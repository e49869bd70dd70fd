# SPDX-License-Identifier: BSD-2-Clause
# Call gates, far calls and returns between privileges, conforming code, gates of the IDT (SDM vol. 3, 5.8 and 6.12).
.include "prologue.inc"
.include "segments.inc"

.set CALL0, FREE+0x70      # to ring 0, for ring 3
.set CALL0_3, FREE+0x78    # the same with three parameters
.set CALL16, FREE+0x80     # 16-bit gate with two parameters
.set CALL_SAME, FREE+0x88  # to user code
.set CALL_KERNEL, FREE+0x90 # DPL 0
.set CALL_KERNEL_RPL3, CALL_KERNEL+3
.set CALL_ABSENT, FREE+0x98
.set CALL_NULL, FREE+0xa0
.set CALL_DATA, FREE+0xa8
.set CODE1, FREE+0xb0      # ring 1 code and data
.set DATA1, FREE+0xb8
.set CALL1, FREE+0xc0
.set CALL_CONFORMING, FREE+0xc8
.set CODE16_LOW, FREE+0xd0 # 16-bit code with this guest's base
.set USER_LOW, 3+FREE+0xe0   # 32-bit user code with this guest's base
.set SMALL_STACK, FREE+0xd8

.macro try_call name:req, selector:req
  try "\name"
  enter_user
  call \selector:0
  leave_user
  endtry
.endm

.macro try_call_bad_stack name:req
  try_call "\name", CALL1
.endm

main:
  call make_descriptors
  gate CALL0, CODE32, gate_target, 0xec
  gate CALL0_3, CODE32, gate_target, 0xec, 3
  gate CALL16, CODE16_LOW, gate_target16-multiboot_header, 0xe4, 2
  gate CALL_SAME, USER_CODE32, same_target, 0xec
  gate CALL_KERNEL, CODE32, gate_target, 0x8c
  gate CALL_ABSENT, CODE32, gate_target, 0x6c
  gate CALL_NULL, 0, gate_target, 0xec
  gate CALL_DATA, DATA, gate_target, 0xec
  gate CALL1, CODE1, gate_target1, 0xec, 1
  gate CALL_CONFORMING, CONFORMING, same_target, 0xec
  descriptor CODE1, 0, 0xfffff, 0xc0ba
  descriptor DATA1, 0, 0xfffff, 0xc0b2
  descriptor CODE16_LOW, LOAD_ADDRESS, 0xffff, 0x009a
  descriptor USER_LOW, LOAD_ADDRESS, 0xfffff, 0xc0fa
  descriptor SMALL_STACK, 0x200000, 0xff, 0x4092
  mov dword ptr [tss32 + 12], 0x280000
  mov dword ptr [tss32 + 16], DATA1+1

  try "call and return"
  enter_user
  push 0x111
  call CALL0:0
  pop edx
  show_user ebx, ecx, edx
  endtry
  try "three parameters"
  enter_user
  push 0x111
  push 0x222
  push 0x333
  call CALL0_3:0
  mov edx, esp
  sub edx, offset user_stack_top
  show_user eax, ebx, ecx, edx
  endtry
  try "16-bit gate"
  enter_user
  push 0x1112222
  jmp USER_LOW:(offset 1f-multiboot_header)
1:
  call CALL16:0
  jmp USER_CODE32:offset 1f
1:
  show_user eax, ebx, ecx
  endtry
  try "to ring 1"
  enter_user
  push 0x777
  call CALL1:0
  mov edx, esp
  sub edx, offset user_stack_top
  show_user eax, ebx, ecx, edx
  endtry
  try_call "gate to the same ring", CALL_SAME
  try_call "conforming through a gate", CALL_CONFORMING
  try_call "kernel gate", CALL_KERNEL
  try_call "absent gate", CALL_ABSENT
  try_call "gate to null", CALL_NULL
  try_call "gate to data", CALL_DATA
  try_call "rpl above the gate's dpl", CALL_KERNEL_RPL3
  try_call "kernel code", CODE32
  try_call "tss descriptor of ring 0", TSS32
  try_call "data", USER_DATA
  try_call "ldt descriptor", LDT
  try_call "null", 0
  try_call "beyond", 0x7ff8
  try_call "absent code", ABSENT
  try "jmp to a gate of more privilege"
  enter_user
  jmp CALL0:0
  leave_user
  endtry
  try "jmp to a gate of the same ring"
  gate CALL_SAME, USER_CODE32, 1f, 0xec
  enter_user
  jmp CALL_SAME:0
1:
  leave_user
  endtry
  try "conforming code keeps cpl"
  enter_user
  call CONFORMING:offset 1f
1:
  pop edx
  pop edx
  mov ebx, cs
  xor ecx, ecx
  show_user ebx, edx
  endtry
  try "gate from ring 0"
  call CALL_KERNEL:0
  show "cs", ebx
  show "ss", ecx
  endtry

  # Stacks that the TSS names
  mov dword ptr [tss32 + 16], DATA1
  try_call_bad_stack "stack rpl"
  mov dword ptr [tss32 + 16], 0
  try_call_bad_stack "null stack"
  mov dword ptr [tss32 + 16], CODE1+1
  try_call_bad_stack "code as stack"
  mov dword ptr [tss32 + 16], 0x7ff8
  try_call_bad_stack "stack beyond"
  mov dword ptr [tss32 + 16], USER_DATA-2
  try_call_bad_stack "stack dpl"
  mov byte ptr [gdt + SMALL_STACK + 5], 0x32
  mov dword ptr [tss32 + 16], SMALL_STACK+1
  try_call_bad_stack "stack absent"
  mov byte ptr [gdt + SMALL_STACK + 5], 0xb2

  # Far returns
  .macro try_return name:req, selector:req, stack:req, pop=0
  try "\name"
  push \stack
  push offset user_stack_top
  .if \pop
  push 0x55
  .endif
  push \selector
  push offset 75f
  retf \pop
75:
  mov ebx, cs
  mov ecx, ss
  mov edx, esp
  sub edx, offset user_stack_top
  mov esi, ds
  show_user ebx, ecx, edx, esi
  endtry
  .endm
  try_return "retf outward", USER_CODE32, USER_DATA
  try_return "retf outward, releasing", USER_CODE32, USER_DATA, 4
  try_return "retf to ring 1", CODE1+1, DATA1+1
  try_return "retf to kernel data", USER_CODE32, DATA
  try_return "retf to null stack", USER_CODE32, 0
  try_return "retf to data", USER_DATA, USER_DATA
  try_return "retf rpl below", USER_CODE32-3, USER_DATA
  try_return "retf conforming with rpl 3", CONFORMING+3, USER_DATA
  try_return "retf to null", 0, USER_DATA
  try_return "retf to kernel code with rpl 3", CODE32+3, USER_DATA
  try_return "retf to absent", ABSENT, USER_DATA
  try "retf inward"
  enter_user
  push CODE32
  push offset 1f
  retf
1:
  leave_user
  endtry
  try "outward return empties kernel segments"
  mov eax, DATA
  mov ds, eax
  mov eax, USER_DATA
  mov es, eax
  mov eax, CONFORMING
  mov fs, eax
  mov eax, CODE32
  mov gs, eax
  push USER_DATA
  push offset user_stack_top
  push 2
  push USER_CODE32
  push offset 75f
  iretd
75:
  mov ebx, ds
  mov ecx, es
  mov edx, fs
  mov esi, gs
  show_user ebx, ecx, edx, esi
  endtry

  call interrupts
  jmp finish

.include "gates-interrupts.inc"

gate_target:  # parameters are above CS
  mov eax, [esp + 8]
  mov ebx, cs
  mov ecx, ss
  add dword ptr [esp + 8], 0
  cmp eax, 0x333
  je 1f
  retf
1:
  retf 12
gate_target1:
  mov eax, [esp + 8]
  mov ebx, cs
  mov ecx, ss
  retf 4
same_target:
  mov eax, [esp + 4]
  retf
.code16
gate_target16:
  mov eax, [esp + 4]
  mov bx, cs
  mov cx, ss
  retf 4
.code32
