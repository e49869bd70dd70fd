# SPDX-License-Identifier: BSD-2-Clause
# Code that writes to itself: to an operand of its own loop, to the next instruction, across pages, to what another page
# runs, and all of it in ring 3 too.
.include "prologue.inc"
.include "long.inc"
.include "engines/engine.inc"

.set COPY, 0x600000        # where code is copied to

begin_long efer=0x801    # SCE, NXE
  call map_devices
  call open_trap
  mov r15d, 200
  call patches
  say "ring 0:"
  call tell
  mov r15d, 20000
  to_user
  call patches
  to_kernel
  say "ring 3:"
  call tell
  jmp switch_off

tell:
  show "operand", r12
  show "next", r13
  show "copied", r14
  newline
  ret

# R15 rounds; answers in R12, R13 and R14.
patches:
  mov ecx, r15d
  xor r12d, r12d
  lea rbx, [rip + 3f - 4]
1:
  mov [rbx], ecx
  jmp 2f
2:
  .byte 0x49, 0x81, 0xc4   # add r12, imm32
  .long 0
3:
  rol r12, 5
  dec ecx
  jnz 1b

  mov ecx, r15d
  xor r13d, r13d
  lea rbx, [rip + 5f]
4:
  mov al, cl
  and al, 7
  shl al, 3
  or al, 0xc5              # add/or/adc/.. r13, imm8
  mov [rbx + 2], al
  mfence
5:
  .byte 0x49, 0x83, 0xc5, 0x11
  rol r13, 9
  dec ecx
  jnz 4b

  mov ecx, r15d
  xor r14d, r14d
6:
  push rcx
  lea rsi, [rip + 8f]
  mov edi, COPY + 0xffb    # across pages
  mov ecx, offset 9f - 8f
  rep movsb
  pop rcx
  mov [COPY + 0xffb + 3], ecx
  mov eax, COPY + 0xffb
  call rax
  dec ecx
  jnz 6b
  ret
8:
  .byte 0x49, 0x81, 0xc6   # add r14, imm32
  .long 0
  rol r14, 7
  ret
9:
