# SPDX-License-Identifier: BSD-2-Clause
# Interrupts in order: self IPIs, priorities, a level that is told its end, the 8259's vector, NMI.
.include "prologue.inc"
.include "long.inc"
.include "engines/engine.inc"
.include "engines/controllers.inc"

begin_long
  call map_devices
  call init_controllers
  gate64 0x41, on_41
  gate64 0x51, on_51
  gate64 0x61, on_61
  gate64 0x34, on_uart_8259
  gate64 0x44, on_uart_ioapic
  gate64 2, on_nmi

  say "self ipi:"
  xor r12d, r12d
  apic_write COMMAND, SELF + 0x41
  mov ecx, [r15 + REQUEST + 0x20]
  show "irr", rcx
  take_until 1
  mov ecx, [r15 + REQUEST + 0x20]
  show "irr", rcx
  newline

  say "priorities:"
  xor r12d, r12d
  apic_write COMMAND, SELF + 0x41
  apic_write COMMAND, SELF + 0x61
  apic_write COMMAND, SELF + 0x51
  take_until 3
  newline

  say "task priority:"
  xor r12d, r12d
  mov eax, 5
  mov cr8, rax
  apic_write COMMAND, SELF + 0x51
  apic_write COMMAND, SELF + 0x61
  take_until 1
  say " lowered"
  xor eax, eax
  mov cr8, rax
  take_until 2
  newline

  # COM1 interrupts when its transmitter has become empty; reading the cause ends that.
  say "level:"
  xor r12d, r12d
  xor r13d, r13d
  redirection 4, 0x8044
  mov dx, 0x3fc
  out_byte dx, 0x0b
  mov dx, 0x3f9
  out_byte dx, 2
  mov r14d, 4
1:
  call send_star
  inc r13d
  take_until r13d
  dec r14d
  jnz 1b
  mov dx, 0x3f9
  out_byte dx, 0
  redirection 4, 0x18044
  show "count", r12
  newline

  say "8259:"
  xor r12d, r12d
  xor r13d, r13d
  apic_write LVT_LINT0, 0x700
  out_byte MASTER+1, 0xef
  mov dx, 0x3f9
  out_byte dx, 2
  mov r14d, 4
1:
  call send_star
  inc r13d
  take_until r13d
  dec r14d
  jnz 1b
  mov dx, 0x3f9
  out_byte dx, 0
  out_byte MASTER+1, 0xff
  apic_write LVT_LINT0, 0x10000
  show "count", r12
  newline

  say "nmi:"
  apic_write COMMAND, SELF + 0x400
  nop
  newline
  jmp switch_off

.macro tells vector:req
on_\vector:
  say " \vector"
  inc r12d
  apic_write EOI, 0
  iretq
.endm
tells 41
tells 51
tells 61

send_star:
  mov dx, 0x3f8
  out_byte dx, '*'
  ret

.macro serve_uart
  inc r12
  push rax
  push rdx
  mov dx, 0x3fa
  in al, dx
.endm
on_uart_ioapic:
  serve_uart
  apic_write EOI, 0
  pop rdx
  pop rax
  iretq
on_uart_8259:
  serve_uart
  out_byte MASTER, 0x20
  pop rdx
  pop rax
  iretq
on_nmi:
  say " nmi"
  iretq
