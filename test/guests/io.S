# SPDX-License-Identifier: BSD-2-Clause
# IOPL and the I/O permission bitmap (SDM vol. 1, 19.5); privileged instructions outside ring 0.
.include "prologue.inc"

.set BITMAP, 136           # where the bitmap lies in the TSS, in bytes

.macro try_user name:req, flags:req, instruction:vararg
  try "\name"
  enter_user \flags
  \instruction
  leave_user
  endtry
.endm

main:
  mov word ptr [gdt + TSS32], BITMAP + 32 # the limit: ports 0 to ff, and the byte after them
  mov byte ptr [gdt + TSS32 + 5], 0x89
  mov eax, TSS32
  ltr ax
  mov word ptr [tss32 + 102], BITMAP
  mov byte ptr [tss32 + BITMAP + 32], 0xff
  mov byte ptr [tss32 + BITMAP + 16], 0b01111010  # 80, 82 and 87 are open

  try_user "iopl 3", 0x3002, in al, 0x81
  try_user "iopl 2", 0x2002, in al, 0x81
  try_user "open byte", 2, out 0x80, al
  try_user "closed byte", 2, out 0x81, al
  try_user "word half open", 2, out 0x80, ax
  try_user "word across bytes", 2, out 0x87, ax
  mov byte ptr [tss32 + BITMAP + 17], 0xfe
  try_user "word across bytes, closed", 2, out 0x86, ax
  try_user "word across bytes, open", 2, out 0x87, ax
  mov byte ptr [tss32 + BITMAP + 16], 0
  try_user "dword open", 2, out 0x84, eax
  try_user "dword half open", 2, out 0x86, eax
  try_user "last byte of the bitmap", 2, in al, 0xff
  try_user "word at the last byte", 2, in ax, 0xff
  try "beyond the limit"
  enter_user
  mov dx, 0x100
  in al, dx
  leave_user
  endtry
  try "string"
  enter_user
  mov dx, 0x81
  mov edi, offset scratch
  insb
  leave_user
  endtry
  mov byte ptr [tss32 + BITMAP + 16], 0xff
  try "string, closed"
  enter_user
  mov dx, 0x81
  mov edi, offset scratch
  insb
  leave_user
  endtry
  mov word ptr [tss32 + 102], 0xffff
  try_user "bitmap beyond the limit", 2, in al, 0x80
  try_user "iopl 3 without a bitmap", 0x3002, in al, 0x80

  try_user "cli, iopl 0", 2, cli
  try_user "sti, iopl 0", 2, sti
  try_user "cli, iopl 3", 0x3002, cli
  .irp flags, 0x0002, 0x3002, 0x1002
  try_user "popf with flags \flags", \flags, call popf_all
  mov eax, [scratch]
  show "left", eax
  newline
  .endr
  try_user "hlt", 0x3002, hlt
  try_user "lgdt", 2, lgdt [gdtr]
  try_user "lidt", 2, lidt [idtr32]
  try_user "lldt", 2, lldt ax
  try_user "ltr", 2, ltr ax
  try_user "lmsw", 2, lmsw ax
  try_user "clts", 2, clts
  try_user "mov from cr0", 2, mov eax, cr0
  try_user "mov to cr3", 2, mov cr3, eax
  try_user "mov from dr0", 2, mov eax, dr0
  try_user "mov to dr7", 2, mov dr7, eax
  try_user "invlpg", 2, invlpg [eax]
  try_user "invd", 2, invd
  try_user "wbinvd", 2, wbinvd
  try_user "rdmsr", 2, rdmsr
  try_user "wrmsr", 2, wrmsr
  try_user "sysexit", 2, sysexit
  try_user "sgdt", 2, sgdt [scratch]
  try_user "sidt", 2, sidt [scratch]
  try_user "sldt", 2, sldt ax
  try_user "str", 2, str ax
  try_user "smsw", 2, smsw ax
  try_user "rdtsc", 2, rdtsc
  mov eax, cr4
  or eax, 0x804        # UMIP and TSD
  mov cr4, eax
  try_user "umip sgdt", 2, sgdt [scratch]
  try_user "umip sidt", 2, sidt [scratch]
  try_user "umip sldt", 2, sldt ax
  try_user "umip str", 2, str ax
  try_user "umip smsw", 2, smsw ax
  try_user "tsd rdtsc", 2, rdtsc
  try "tsd, umip in ring 0"
  rdtsc
  sgdt [scratch]
  str ax
  endtry
  try "cr1 in ring 0"
  .byte 0x0f, 0x20, 0xc8
  endtry
  try "cr8 in ring 0"
  .byte 0x0f, 0x20, 0xe8
  endtry
  jmp finish

# The system flags that POPF left, in EAX as INT finds it.
popf_all:
  push 0x257ed7
  popfd
  pushfd
  pop eax
  and eax, ~0x8d5 & ~0x100
  mov [scratch], eax
  push 2
  popfd
  ret

.bss
.align 16
scratch: .skip 16
.text
