# SPDX-License-Identifier: BSD-2-Clause
# The real-time clock's periodic interrupt ends a halt.
.include "prologue.inc"
.include "long.inc"
.include "engines/engine.inc"
.include "engines/controllers.inc"

begin_long
  call map_devices
  call init_controllers
  gate64 0x53, on_rtc
  say "real-time clock:"
  xor r12d, r12d
  xor r13d, r13d
  redirection 8, 0x53
  out_byte 0x70, 0x0a
  out_byte 0x71, 0x26        # 1024 Hz
  out_byte 0x70, 0x0b
  out_byte 0x71, 0x42        # periodic, 24 hours
  mov r14d, 4
1:
  inc r13d
  take_until r13d
  dec r14d
  jnz 1b
  out_byte 0x70, 0x0b
  out_byte 0x71, 0x02
  out_byte 0x70, 0x0c
  in al, 0x71
  redirection 8, 0x10053
  take_rest
  say " enough"
  newline
  # How many came is not the same in two runs.
  xor r12d, r12d
  xor eax, eax
  jmp switch_off

on_rtc:
  inc r12
  push rax
  out_byte 0x70, 0x0c
  in al, 0x71
  pop rax
  apic_write EOI, 0
  iretq
