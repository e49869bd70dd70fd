# SPDX-License-Identifier: BSD-2-Clause
# The local APIC's timer by the TSC ends a halt.
.include "prologue.inc"
.include "long.inc"
.include "engines/engine.inc"
.include "engines/controllers.inc"

.set TSC_DEADLINE, 0x6e0

begin_long
  call map_devices
  call init_controllers
  gate64 0x51, on_apic
  say "tsc deadline:"
  xor r12d, r12d
  xor r13d, r13d
  apic_write LVT_TIMER, 0x40051
  mov r14d, 3
1:
  rdtsc
  shl rdx, 32
  or rax, rdx
  add rax, 500000
  mov rdx, rax
  shr rdx, 32
  mov ecx, TSC_DEADLINE
  wrmsr
  inc r13d
  take_until r13d
  show "count", r12
  dec r14d
  jnz 1b
  apic_write LVT_TIMER, 0x10051
  newline
  # When that was is not the same in two runs.
  xor eax, eax
  xor edx, edx
  jmp switch_off

on_apic:
  inc r12
  apic_write EOI, 0
  iretq
