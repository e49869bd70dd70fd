# SPDX-License-Identifier: BSD-2-Clause
# Virtual-8086 mode without its extensions (SDM vol. 3, 20.2-20.3).
.include "prologue.inc"

.set CODE86, LOW_CODE >> 4
.set STACK86, 0x7000 >> 4

.macro try86 name:req, code:req, flags=0x20002
  try "\name"
  push 0x4444       # GS, FS, DS, ES
  push 0x3333
  push 0x2000
  push 0x1000
  push STACK86
  push 0x800
  push \flags
  push CODE86
  push \code - low_start
  mov dword ptr [try_start], \code - low_start
  iretd
  endtry
.endm

main:
  mov esi, offset low_start
  mov edi, LOW_CODE
  mov ecx, offset low_end
  sub ecx, esi
  rep movsb
  mov word ptr [gdt + TSS32], 136 + 8192
  mov byte ptr [gdt + TSS32 + 5], 0x89
  mov eax, TSS32
  ltr ax
  mov word ptr [tss32 + 102], 136
  mov dword ptr [tss32 + 136 + 16], 0xfffe # port 80 is open
  gate32 0x81, back, CODE32, 0xee
  gate32 0x82, resume, CODE32, 0xef

  try86 "int 81", int_81
  try86 "int 82 and back", int_82, 0x23002
  try86 "int with iopl 0", int_20
  try86 "int 20, dpl 0", int_20, 0x23002
  try86 "int3 with iopl 0", breakpoint
  try86 "cli", cli_86
  try86 "cli with iopl 3", cli_86, 0x23002
  try86 "sti", sti_86
  try86 "pushf", pushf_86
  try86 "pushf with iopl 3", pushf_86, 0x23002
  try86 "popf", popf_86
  try86 "popf with iopl 3", popf_86, 0x23002
  try86 "iret", iret_86
  try86 "iret with iopl 3", iret_86, 0x23002
  try86 "hlt", hlt_86, 0x23002
  try86 "mov cr0", cr0_86, 0x23002
  try86 "lar", lar_86, 0x23002
  try86 "sldt", sldt_86, 0x23002
  try86 "arpl", arpl_86, 0x23002
  try86 "lmsw", lmsw_86, 0x23002
  try86 "smsw", smsw_86, 0x23002
  try86 "open port", port80, 0x23002
  try86 "closed port", port81, 0x23002
  try86 "divide", divide
  try86 "far jump and segments", far_86, 0x23002
  try86 "syscall", syscall_86, 0x23002
  try86 "sysenter", sysenter_86, 0x23002
  try86 "wrap of push", push_wrap, 0x23002
  gate32 0x81, back, 0x99, 0xee
  try86 "int to a selector beyond ring 0", int_81, 0x23002
  try "popf cannot set vm"
  pushfd
  or dword ptr [esp], 0x20000
  popfd
  pushfd
  pop eax
  and eax, 0x30000
  show "fl", eax
  endtry
  try "iretd to vm from ring 3"
  enter_user
  push 0x20002
  push USER_CODE32
  push offset 1f
  iretd
1:
  pushfd
  pop eax
  and eax, 0x20000
  show_user eax
  endtry
  jmp finish

# Shows the frame of an interrupt out of virtual-8086 mode and ends the try.
back:
  pushad
  mov ebp, esp
  mov eax, ds
  show "ds", eax
  mov eax, DATA
  mov ds, eax
  say " frame"
  mov ecx, 0
1:
  mov eax, [ebp + 32 + ecx * 4]
  cmp ecx, 2
  jne 2f
  and eax, FLAGS_SHOWN
2:
  push eax
  say " "
  call print_hex32
  inc ecx
  cmp ecx, 9
  jb 1b
  mov eax, [ebp + 28]
  show "eax", eax
  mov eax, [ebp + 16]
  show "ebx", eax
  newline
  jmp recover32
resume:
  pushfd
  pop ebx
  and ebx, FLAGS_SHOWN
  iretd

.code16
low_start:
int_81:
  int 0x81
int_82:
  mov ax, ds
  int 0x82
  mov ax, ds
  int 0x81
int_20:
  int 0x20
breakpoint:
  int3
cli_86:
  cli
  int 0x81
sti_86:
  sti
  int 0x81
pushf_86:
  pushf
  pop ax
  and ax, 0x7700
  int 0x81
popf_86:
  push 0x4402
  popf
  int 0x81
iret_86:
  push 0x4402
  push CODE86
  push offset int_81-low_start
  iret
hlt_86:
  hlt
cr0_86:
  mov eax, cr0
lar_86:
  lar ax, ax
sldt_86:
  sldt ax
arpl_86:
  .byte 0x63, 0xc0
lmsw_86:
  lmsw ax
smsw_86:
  smsw ax
  mov ax, 1
  int 0x81
port80:
  in al, 0x80
  xor ax, ax
  int 0x81
port81:
  in al, 0x81
divide:
  xor bx, bx
  div bx
far_86:
  .byte 0xea
  .word 1f - low_start - 0x10, CODE86 + 1
1:
  mov ax, 0x1234
  mov ds, ax
  mov ax, cs
  int 0x81
syscall_86:
  syscall
sysenter_86:
  sysenter
push_wrap:
  mov sp, 0
  push 0x5555
  mov ax, sp
  int 0x81
low_end:
.code32
