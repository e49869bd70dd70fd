# SPDX-License-Identifier: BSD-2-Clause
# What CPUID says: vendor, signature, and that there is no XSAVE and no AVX.
.include "prologue.inc"
.include "long.inc"
.include "engines/engine.inc"

begin_long
  say "cpuid:"
  xor eax, eax
  cpuid
  show "ebx", rbx
  show "ecx", rcx
  mov eax, 1
  cpuid
  show "eax", rax
  and ecx, 0x1c000000      # XSAVE, OSXSAVE, AVX
  show "avx", rcx
  newline
  jmp switch_off
