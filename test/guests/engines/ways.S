# SPDX-License-Identifier: BSD-2-Clause
# The ways between rings and widths that a KVM which emulates ring 0 lacks: INT, IRETD, SYSCALL and SYSRET.
.include "prologue.inc"
.include "long.inc"
.include "engines/engine.inc"

.set STAR, 0xc0000081
.set LSTAR, 0xc0000082
.set SFMASK, 0xc0000084

main:
  fninit                   # a reset leaves FCW as 40, some engines as 37f
  say "int and iretd:"
  gate32 0x40, on_int32
  xor edx, edx
  mov ecx, 5
1:
  int 0x40
  dec ecx
  jnz 1b
  show "count", edx
  newline
  say "ring 3 of 32 bits:"
  mov [recover_rsp], esp
  enter_user
  mov ebx, cs
  leave_user
  show "cs", ebx
  newline
  mov ebx, 0x801
  mov edx, 0x600
  jmp enter_long
on_int32:
  add edx, 0x11
  iretd

use64
long_main:
  call map_devices
  mov [recover_rsp], rsp
  mov [kernel_rsp], rsp
  mov ecx, STAR
  mov edx, 0x1b0030        # SYSRET: user selectors from 18; SYSCALL: from 30
  xor eax, eax
  wrmsr
  mov ecx, LSTAR
  xor edx, edx
  mov eax, offset on_syscall
  wrmsr
  mov ecx, SFMASK
  mov eax, 0x700
  wrmsr
  say "syscall and sysret:"
  xor r12d, r12d
  to_user
  mov r13d, 1000
1:
  syscall
  add r12, rax
  dec r13d
  jnz 1b
  mov ebx, cs
  int USER_EXIT
  show "sum", r12
  show "cs", rbx
  newline
  say "int 80:"
  to_user
  pushfq
  pop rbx
  int USER_EXIT
  and ebx, FLAGS_SHOWN
  show "flags", rbx
  newline
  jmp switch_off

on_syscall:
  lea rax, [r13 + 3]
  sysretq
