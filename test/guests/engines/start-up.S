# SPDX-License-Identifier: BSD-2-Clause
# A second processor: started by INIT and SIPI, through real and protected mode; locked counters, and interrupts between
# the two that end halts (SDM vol. 3, 8.4 and 10.6).
.include "prologue.inc"
.include "long.inc"
.include "engines/engine.inc"
.include "engines/controllers.inc"

.set COMMAND_TO, 0x310
.set OTHER, 1 << 24
.set STEPS, 20000
.set ROUNDS, 8
.set OTHER_STACK, 0x600000

main:
  fninit                   # a reset leaves FCW as 40, some engines as 37f
  xor ebx, ebx
  mov edx, 0x600
  jmp enter_long

# Until [place] is the value.
.macro wait_for place:req, value:req
96:
  pause
  cmp dword ptr [\place], \value
  jne 96b
.endm
.macro send command:req
  apic_write COMMAND_TO, OTHER
  apic_write COMMAND, \command
.endm
use64
long_main:
  call map_devices
  call init_controllers
  gate64 0x41, on_ping
  gate64 0x42, on_pong
  mov esi, offset trampoline
  mov edi, LOW_CODE
  mov ecx, offset trampoline_end - trampoline
  rep movsb
  say "start-up:"
  send 0x4500              # INIT
  mov ecx, 20000
1:
  dec ecx
  jnz 1b
  send 0x4600 + (LOW_CODE >> 12)
  wait_for alive, 1
  say " alive"
  newline

  say "counting:"
  mov dword ptr [go], 1
  call count
  wait_for counted, 1
  mov ecx, [counter]
  show "counter", rcx
  newline

  xor r12d, r12d
  xor r13d, r13d
1:
  inc r13d
  say "message"
  show "number", r13
  send 0x41
  take_until r13d
  newline
  cmp r13d, ROUNDS
  jb 1b

  mov ecx, [pings]
  say "messages:"
  show "taken", rcx
  show "answered", r12
  newline
  mov dword ptr [go], 2
  send 0x41
  wait_for parked, 1
  mov edi, OTHER_STACK - 0x1000
  mov ecx, 0x1000 / 4
  xor eax, eax
  rep stosd
  jmp switch_off

# Both at once: each adds one STEPS times, under a lock.
count:
  mov ecx, STEPS
1:
  lock inc dword ptr [counter]
  dec ecx
  jnz 1b
  ret

on_pong:
  inc r12d
  apic_write EOI, 0
  iretq

# On the other processor.
on_ping:
  inc dword ptr [pings]
  apic_write EOI, 0
  cmp dword ptr [go], 2
  je 1f
  apic_write COMMAND_TO, 0
  apic_write COMMAND, 0x42
1:
  iretq

.code16
trampoline:
  cli
  xor ax, ax
  mov ds, ax
  lgdtd [LOW_CODE + 1f - trampoline]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  .byte 0x66, 0xea         # jmp CODE32:other32
  .long other32
  .word CODE32
1:
  .word gdt_end - gdt - 1
  .long gdt
trampoline_end:

use32
other32:
  mov ax, DATA
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov eax, PML4
  mov cr3, eax
  mov eax, 0x620
  mov cr4, eax
  mov ecx, EFER
  mov eax, 0x100
  xor edx, edx
  wrmsr
  mov eax, cr0
  or eax, 0x80010000
  mov cr0, eax
  lidt [idtr64]
  jmp CODE64:offset other64

use64
other64:
  mov esp, OTHER_STACK
  mov r15d, APIC
  apic_write SPURIOUS, 0x1ff
  fninit                   # registers that must stay this one's until the end
  movdqu xmm5, [own_value]
  mov dword ptr [alive], 1
  wait_for go, 1
  call count
  mov dword ptr [counted], 1
1:
  take
  cmp dword ptr [go], 2
  jne 1b
  # From here on its state is the same, wherever the boot processor's power-off finds it.
  mov dword ptr [parked], 1
  # Not HLT: the boot processor ends the machine without knowing whether this one has got as far as that.
2:
  jmp 2b

.data
.align 8
own_value: .quad 0x600df00d600df00d, 0x0123456789abcdef
alive: .long 0
go: .long 0
counter: .long 0
counted: .long 0
pings: .long 0
parked: .long 0
.text
