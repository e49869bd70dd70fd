# SPDX-License-Identifier: BSD-2-Clause
.include "prologue.inc"
main:
  try "nothing"
  nop
  endtry
  try "ud2"
  ud2
  endtry
  try "gp"
  mov eax, 0x5000
  mov ds, ax
  endtry
  try "user"
  enter_user
  hlt
  leave_user
  endtry
  try "user2"
  enter_user
  mov eax, 0x1234
  leave_user
  show "eax", eax
  endtry
  jmp finish
