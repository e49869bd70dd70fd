# SPDX-License-Identifier: BSD-2-Clause
# What is in service holds back what is not above it, also when the machine moves in the middle of a handler.
.include "prologue.inc"
.include "long.inc"
.include "engines/engine.inc"
.include "engines/controllers.inc"

.set PPR, 0xa0

begin_long
  call map_devices
  call init_controllers
  gate64 0x41, on_41
  gate64 0x51, on_51
  gate64 0x61, on_61
  say "nested:"
  xor r12d, r12d
  apic_write COMMAND, SELF + 0x51
  take_until 3
  newline
  jmp switch_off

.macro tells vector:req
on_\vector:
  say " \vector"
  push rcx
  mov ecx, [r15 + IN_SERVICE + 0x20]
  show "isr", rcx
  mov ecx, [r15 + PPR]
  show "ppr", rcx
  pop rcx
  inc r12d
  .if 0x\vector == 0x51
  apic_write COMMAND, SELF + 0x41
  apic_write COMMAND, SELF + 0x61
  take_until 2
  say " back"
  .endif
  apic_write EOI, 0
  iretq
.endm
tells 41
tells 51
tells 61
