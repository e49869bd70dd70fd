# SPDX-License-Identifier: BSD-2-Clause
# External interrupts: 8259s, PIT, virtual wire, IOAPIC, and NMIs until IRET
# (8259A and 8254 data sheets; 82093AA; SDM vol. 3, 6.7.1 and chapter 10).
.include "prologue.inc"

.set APIC, 0xfee00000
.set IOAPIC, 0xfec00000
.set MASTER, 0x20
.set SLAVE, 0xa0
.set EOI, 0xb0
.set SPURIOUS, 0xf0
.set IN_SERVICE, 0x100
.set TRIGGER_MODE, 0x180
.set REQUEST, 0x200
.set COMMAND, 0x300
.set LVT_LINT0, 0x350
.set SELF, 0x40000

.macro out_byte port:req, value:req
  mov al, \value
  out \port, al
.endm
.macro show_in name:req, port:req
  in al, \port
  movzx eax, al
  show \name, eax
.endm
.macro apic_write register:req, value:req
  mov dword ptr [APIC + \register], \value
.endm
.macro apic_show name:req, register:req
  mov eax, [APIC + \register]
  show \name, eax
.endm
.macro redirection index:req, low:req, high=0
  mov dword ptr [IOAPIC], 0x11 + 2 * (\index)
  mov dword ptr [IOAPIC + 16], \high
  mov dword ptr [IOAPIC], 0x10 + 2 * (\index)
  mov dword ptr [IOAPIC + 16], \low
.endm
.macro show_redirection name:req, index:req
  mov dword ptr [IOAPIC], 0x10 + 2 * (\index)
  mov eax, [IOAPIC + 16]
  show \name, eax
.endm
# IRR, then ISR of the first 8259.
.macro show_pic
  out_byte MASTER, 0x0a
  show_in "irr", MASTER
  out_byte MASTER, 0x0b
  show_in "isr", MASTER
.endm
# One shot of counter 0: mode 0, its output and with it IRQ 0 rises after 100 ticks.
.macro start_pit
  out_byte 0x43, 0x30
  out_byte 0x40, 100
  out_byte 0x40, 0
.endm
# A register of COM1, on which the guest prints as well.
.macro out_com1 register:req, value:req
  mov dx, 0x3f8 + \register
  out_byte dx, \value
.endm
.macro lower_pit
  out_byte 0x43, 0x30
  out_byte 0x40, 0xff
  out_byte 0x40, 0xff
.endm
.macro wait_pit
87:
  out_byte 0x43, 0xe2    # read-back of the status
  in al, 0x40
  test al, 0x80
  jz 87b
.endm
.macro wait_request
87:
  out_byte MASTER, 0x0a
  in al, MASTER
  test al, 1
  jz 87b
.endm

main:
  gate32 0x30, on_0x30
  gate32 0x41, on_0x41
  gate32 0x42, on_0x42
  gate32 2, on_nmi
  lower_pit
  out_byte MASTER, 0x11
  out_byte MASTER+1, 0x30
  out_byte MASTER+1, 4
  out_byte MASTER+1, 1
  out_byte SLAVE, 0x11
  out_byte SLAVE+1, 0x38
  out_byte SLAVE+1, 2
  out_byte SLAVE+1, 1
  out_byte MASTER+1, 0xff
  out_byte SLAVE+1, 0xff
  apic_write SPURIOUS, 0x15f
  apic_write LVT_LINT0, 0x700

  say "virtual wire:"
  start_pit
  wait_request
  show_pic
  out_byte MASTER+1, 0xfe
  show_pic
  sti
  nop
  cli
  show_pic
  out_byte MASTER, 0x20
  show_pic
  newline
  say "masked lint0:"
  apic_write LVT_LINT0, 0x10700
  start_pit
  wait_request
  sti
  nop
  cli
  say " nothing"
  show_pic
  apic_write LVT_LINT0, 0x700
  sti
  nop
  cli
  out_byte MASTER, 0x20
  newline
  say "auto eoi:"
  out_byte MASTER, 0x11
  out_byte MASTER+1, 0x30
  out_byte MASTER+1, 4
  out_byte MASTER+1, 3
  out_byte MASTER+1, 0xfe
  start_pit
  sti
  hlt
  cli
  show_pic
  newline
  say "poll:"
  out_byte MASTER, 0x11
  out_byte MASTER+1, 0x30
  out_byte MASTER+1, 4
  out_byte MASTER+1, 1
  out_byte MASTER+1, 0xfe
  start_pit
  wait_request
  out_byte MASTER, 0x0c
  show_in "polled", MASTER
  show_pic
  out_byte MASTER, 0x20
  newline
  out_byte MASTER+1, 0xff
  apic_write LVT_LINT0, 0x10000

  # The PIT is input 2.
  say "ioapic:"
  redirection 2, 0x41
  start_pit
  sti
  hlt
  cli
  show_redirection "entry", 2
  apic_show "tmr", TRIGGER_MODE+0x20
  newline
  say "ioapic, masked edge:"
  redirection 2, 0x10041
  start_pit
  wait_pit
  show_redirection "entry", 2
  sti
  nop
  cli
  newline
  redirection 2, 0x10000

  # COM1 is input 4: asserted while the transmitter is empty and the interrupt enabled, until IIR is read.
  say "ioapic, level:"
  out_com1 4, 8            # OUT2 lets the interrupt out
  redirection 4, 0x8042
  mov byte ptr [again], 1
  out_com1 1, 2
  sti
  nop
  cli
  show_redirection "entry", 4
  apic_show "isr", IN_SERVICE+0x20
  newline
  say "ioapic, level and still high:"
  mov byte ptr [again], 3
  out_com1 1, 2
  sti
  nop
  nop
  nop
  cli
  newline
  say "ioapic, masked level:"
  redirection 4, 0x18042
  mov byte ptr [again], 1
  out_com1 1, 2
  sti
  nop
  cli
  show_redirection "entry", 4
  redirection 4, 0x8042
  sti
  nop
  cli
  newline
  redirection 4, 0x10000

  # NMIs wait for IRET; one is kept.
  say "nmi:"
  apic_write COMMAND, SELF + 0x400
  nop
  nop
  say " back"
  newline
  say "nested nmi:"
  mov byte ptr [again], 1
  apic_write COMMAND, SELF + 0x400
  nop
  nop
  say " back"
  newline
  jmp finish

on_0x30:
  push eax
  say " 30"
  show_pic
  pop eax
  iretd
on_0x41:
  push eax
  say " 41"
  apic_show "isr", IN_SERVICE+0x20
  apic_show "tmr", TRIGGER_MODE+0x20
  show_redirection "entry", 2
  apic_write EOI, 0
  pop eax
  iretd
on_0x42:
  push eax
  push edx
  say " 42"
  apic_show "tmr", TRIGGER_MODE+0x20
  show_redirection "entry", 4
  mov dx, 0x3fd
1:
  in al, dx
  test al, 0x20
  jz 1b
  dec byte ptr [again]
  jnz 2f
  out_com1 1, 0
2:
  apic_write EOI, 0
  show_redirection "entry", 4
  pop edx
  pop eax
  iretd
on_nmi:
  push eax
  say " nmi"
  cmp byte ptr [again], 0
  je 1f
  dec byte ptr [again]
  apic_write COMMAND, SELF + 0x400
  nop
  nop
  say " end"
1:
  pop eax
  iretd

.data
again: .byte 0
.text
