# SPDX-License-Identifier: BSD-2-Clause
# The local APIC: self IPIs, priorities, order of ends, masks, timer, NMI; and the STI shadow
# (SDM vol. 3, chapter 10).
.include "prologue.inc"
.include "long.inc"

.set APIC, 0xfee00000
.set TPR, 0x80
.set PPR, 0xa0
.set EOI, 0xb0
.set SPURIOUS, 0xf0
.set IN_SERVICE, 0x100
.set REQUEST, 0x200
.set COMMAND, 0x300
.set LVT_TIMER, 0x320
.set LVT_LINT0, 0x350
.set INITIAL, 0x380
.set CURRENT, 0x390
.set DIVIDE, 0x3e0
.set SELF, 0x40000

.macro apic_write register:req, value:req
  mov dword ptr [r15 + \register], \value
.endm
.macro apic_show name:req, register:req
  mov eax, [r15 + \register]
  show \name, rax
.endm

main:
  xor ebx, ebx
  mov edx, 0x600
  jmp enter_long
use64
long_main:
  mov r15d, APIC
  apic_write SPURIOUS, 0x1ff
  apic_write LVT_LINT0, 0x10000
  .irp vector, 0x41, 0x42, 0x51, 0x61
  gate64 \vector, interrupt_\vector
  .endr
  gate64 2, on_nmi
  apic_show "tpr", TPR
  apic_show "ppr", PPR
  apic_show "svr", SPURIOUS
  newline

  say "self ipi:"
  apic_write COMMAND, SELF + 0x41
  apic_show "irr", REQUEST+0x20
  sti
  nop
  cli
  apic_show "irr", REQUEST+0x20
  apic_show "isr", IN_SERVICE+0x20
  newline
  say "priorities:"
  apic_write COMMAND, SELF + 0x41
  apic_write COMMAND, SELF + 0x61
  apic_write COMMAND, SELF + 0x51
  sti
  nop
  cli
  newline
  say "nested:"
  mov byte ptr [nest], 1
  apic_write COMMAND, SELF + 0x51
  sti
  nop
  cli
  mov byte ptr [nest], 0
  newline
  say "tpr:"
  mov eax, 5
  mov cr8, rax
  apic_show "tpr", TPR
  apic_write COMMAND, SELF + 0x51
  apic_write COMMAND, SELF + 0x61
  sti
  nop
  cli
  say " lowered"
  apic_write TPR, 0x4f
  apic_show "ppr", PPR
  mov rax, cr8
  show "cr8", rax
  sti
  nop
  cli
  xor eax, eax
  mov cr8, rax
  newline
  try "cr8 reserved"
  mov eax, 16
  mov cr8, rax
  endtry
  say "sti shadow:"
  apic_write COMMAND, SELF + 0x41
  xor ebx, ebx
  sti
  inc ebx
  inc ebx
  cli
  newline
  say "sti cli:"
  apic_write COMMAND, SELF + 0x41
  sti
  cli
  say " nothing"
  sti
  nop
  cli
  newline
  say "hlt:"
  apic_write COMMAND, SELF + 0x42
  sti
  hlt
  cli
  newline

  say "timer, one-shot:"
  apic_write DIVIDE, 0xb
  apic_write LVT_TIMER, 0x51
  apic_write INITIAL, 20000
  sti
  hlt
  cli
  apic_show "current", CURRENT
  newline
  say "timer, periodic:"
  apic_write LVT_TIMER, 0x20051
  apic_write INITIAL, 200000
  sti
  hlt
  hlt
  hlt
  cli
  apic_write INITIAL, 0
  apic_show "current", CURRENT
  newline
  say "timer, masked:"
  apic_write LVT_TIMER, 0x10051
  apic_write INITIAL, 100
  mov ecx, 100000
1:
  dec ecx
  jnz 1b
  apic_show "irr", REQUEST+0x20
  apic_show "current", CURRENT
  newline

  say "nmi:"
  apic_write COMMAND, SELF + 0x400
  nop
  newline
  say "software disabled:"
  apic_write SPURIOUS, 0xff
  apic_show "timer", LVT_TIMER
  apic_write LVT_TIMER, 0x51
  apic_show "timer", LVT_TIMER
  newline
  jmp finish64

.macro interrupt vector:req
interrupt_\vector:
  push rax
  say " \vector"
  show "ebx", rbx
  apic_show "ppr", PPR
  .if \vector == 0x51
  cmp byte ptr [nest], 1
  jne 1f
  apic_write COMMAND, SELF + 0x41
  apic_write COMMAND, SELF + 0x61
  sti
  nop
  cli
  say " back"
1:
  .endif
  apic_write EOI, 0
  pop rax
  iretq
.endm
.irp vector, 0x41, 0x42, 0x51, 0x61
interrupt \vector
.endr
on_nmi:
  say " nmi"
  iretq

.data
nest: .byte 0
.text
