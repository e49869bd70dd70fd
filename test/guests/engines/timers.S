# SPDX-License-Identifier: BSD-2-Clause
# Timers that end a halt: the local APIC's (one-shot, periodic), the 8254, the HPET. How many interrupts came is known,
# when is not.
.include "prologue.inc"
.include "long.inc"
.include "engines/engine.inc"
.include "engines/controllers.inc"

begin_long
  call map_devices
  call init_controllers
  gate64 0x51, on_one_shot
  gate64 0x30, on_irq
  gate64 0x52, on_apic

  say "apic one-shot:"
  xor r12d, r12d
  xor r13d, r13d
  apic_write DIVIDE, 0xb
  apic_write LVT_TIMER, 0x51
  mov r14d, 3
1:
  apic_write INITIAL, 300000
  inc r13d
  take_until r13d
  show "count", r12
  mov ecx, [r15 + CURRENT]
  show "left", rcx
  dec r14d
  jnz 1b
  newline

  say "apic periodic:"
  gate64 0x51, on_apic
  apic_write LVT_TIMER, 0x20051
  apic_write INITIAL, 1000000
  mov r14d, 5
1:
  inc r13d
  take_until r13d
  dec r14d
  jnz 1b
  apic_write INITIAL, 0
  apic_write LVT_TIMER, 0x10051
  take_rest
  say " enough"
  newline

  say "8254 by the 8259:"
  xor r12d, r12d
  xor r13d, r13d
  apic_write LVT_LINT0, 0x700
  out_byte MASTER+1, 0xfe
  mov r14d, 3
1:
  out_byte 0x43, 0x30
  out_byte 0x40, 0xff
  out_byte 0x40, 2
  inc r13d
  take_until r13d
  show "count", r12
  dec r14d
  jnz 1b
  out_byte MASTER+1, 0xff
  apic_write LVT_LINT0, 0x10000
  newline

  say "8254 by the ioapic:"
  xor r12d, r12d
  xor r13d, r13d
  redirection 2, 0x51
  mov r14d, 3
1:
  out_byte 0x43, 0x30
  out_byte 0x40, 0xff
  out_byte 0x40, 2
  inc r13d
  take_until r13d
  show "count", r12
  dec r14d
  jnz 1b
  redirection 2, 0x10051
  newline

  say "hpet:"
  xor r12d, r12d
  xor r13d, r13d
  redirection 24, 0x52
  mov edi, HPET
  mov qword ptr [rdi + 0x100], 24 << 9 | 4
  mov r14d, 3
1:
  mov qword ptr [rdi + 0x10], 0  # the counter stands: a host that is busy now does not make the comparator late
  mov rax, [rdi + 0xf0]
  add rax, 10000
  mov [rdi + 0x108], rax
  mov qword ptr [rdi + 0x10], 1
  inc r13d
  take_until r13d
  show "count", r12
  dec r14d
  jnz 1b
  mov qword ptr [rdi + 0x10], 0
  mov qword ptr [rdi + 0x100], 0
  redirection 24, 0x10052
  newline

  # What came when is not the same in two runs.
  xor r12d, r12d
  xor r13d, r13d
  xor eax, eax
  xor edx, edx
  jmp switch_off

# KVM does not tell whether the interrupt of a count that ran out has been delivered, so it would come again after a save.
on_one_shot:
  apic_write INITIAL, 0
on_apic:
  inc r12
  apic_write EOI, 0
  iretq
on_irq:
  inc r12
  push rax
  out_byte MASTER, 0x20
  pop rax
  iretq
