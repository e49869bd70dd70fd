# SPDX-License-Identifier: BSD-2-Clause
# Ring 3 in 64-bit mode: a long computation, ways back to ring 0, faults that ring 0 sees and ring 3 survives.
.include "prologue.inc"
.include "long.inc"
.include "engines/engine.inc"

.set ROUNDS, 8
.set STEPS, 300000
.set KERNEL_PAGE, 0x600000

begin_long efer=0x801    # SCE, NXE
  call map_devices
  call open_trap
  and qword ptr [DIRECTORY + (KERNEL_PAGE >> 21) * 8], ~4
  mov rax, cr3
  mov cr3, rax
  mov r13, 0x9e3779b97f4a7c15
  mov r14d, ROUNDS
1:
  to_user
  mov ecx, STEPS
2:
  imul r13, r13, 0x5851f42d
  add r13, rcx
  mov rax, r13
  shr rax, 29
  xor r13, rax
  rol r13, cl
  dec ecx
  jnz 2b
  mov ecx, 20
  lea rdi, [user_words]
3:
  mov [rdi + rcx * 8], r13
  add r13, [rdi + rcx * 8 + 8]
  dec ecx
  jnz 3b
  to_kernel
  say "round:"
  show "r13", r13
  mov ecx, cs
  show "cs", rcx
  newline
  dec r14d
  jnz 1b
  say "words:"
  hash_memory "hash", user_words, 176
  newline

.macro try_ring3 name:req, instruction:vararg
  try "\name"
  to_user
  mov dword ptr [try_start], offset 75f
75:
  \instruction
  to_kernel
  endtry
.endm
  try_ring3 "kernel page", mov al, [KERNEL_PAGE]
  try_ring3 "absent page", mov al, [rax + 0x40000000]
  try_ring3 "privileged", hlt
  try_ring3 "division", call divide_by_zero
  try_ring3 "nothing", nop
  jmp switch_off

divide_by_zero:
  mov dword ptr [try_start], offset 1f
  xor ecx, ecx
1:
  div ecx
  ret

.bss
.align 8
user_words: .skip 256
.text
