# SPDX-License-Identifier: BSD-2-Clause
# Limits and types of segments in use (SDM vol. 3, 5.3-5.5).
#qemu none: TCG checks neither limits nor types of segments that are in use
.include "prologue.inc"
.include "segments.inc"

.set SMALL3, FREE+0x68     # user data, 16 bytes
.set SHORT_CODE, FREE+0x60 # code, 17 bytes

# Reads or writes through FS with the selector given.
.macro access name:req, selector:req, instruction:vararg
  try "\name"
  mov eax, \selector
  mov fs, eax
  \instruction
  endtry
  call flat_segments
.endm

main:
  call make_descriptors
  descriptor SMALL3, 0x200000, 15, 0x40f3
  access "null use", 0, mov al, fs:[0]
  access "limit last byte", SMALL, mov al, fs:[15]
  access "limit byte", SMALL, mov al, fs:[16]
  access "limit dword", SMALL, mov eax, fs:[12]
  access "limit dword over", SMALL, mov eax, fs:[13]
  access "limit far", SMALL, mov eax, fs:[0xfffffffe]
  access "limit rmw", SMALL, inc dword ptr fs:[14]
  access "expand-down in", DOWN, mov al, fs:[0x1000]
  access "expand-down below", DOWN, mov al, fs:[0xfff]
  access "expand-down straddle", DOWN, mov eax, fs:[0xffd]
  access "expand-down wrap", DOWN, mov eax, fs:[0xfffffffe]
  access "expand-down top", DOWN, mov al, fs:[0xffff0000]
  access "expand-down 16 top", DOWN16, mov al, fs:[0xffff]
  access "expand-down 16 over", DOWN16, mov al, fs:[0x10000]
  access "expand-down 16 straddle", DOWN16, mov eax, fs:[0xfffe]
  access "pages in", PAGES, mov al, fs:[0x1fff]
  access "pages out", PAGES, mov al, fs:[0x2000]
  access "read-only read", READ_ONLY, mov al, fs:[0]
  access "read-only write", READ_ONLY, mov fs:[0], al
  access "read-only rmw", READ_ONLY, lock inc byte ptr fs:[0]
  access "code read", CODE32, mov al, fs:[0]
  access "code write", CODE32, mov fs:[0], al
  access "fxsave limit", SMALL, fnsave fs:[0]
  access "bound limit", SMALL, bound eax, fs:[12]
  access "lgdt limit", SMALL, lgdt fs:[12]
  access "cmpxchg8b limit", SMALL, cmpxchg8b fs:[12]
  try "cs write"
  mov cs:[0x200000], al
  endtry
  try "cs execute-only read"
  jmp EXECUTE_ONLY:offset 1f
1:
  mov al, cs:[0x200000]
  jmp CODE32:offset 2f
2:
  endtry
  try "string es limit"
  mov eax, SMALL
  mov es, eax
  mov edi, 14
  mov ecx, 5
  cld
  rep stosb
  endtry
  try "ss limit"
  enter_user
  mov eax, SMALL3+3
  mov ss, eax
  mov esp, 2
  push 1
  leave_user
  endtry
  try "ss limit, pusha"
  enter_user
  mov eax, SMALL3+3
  mov ss, eax
  mov esp, 16
  pushad
  leave_user
  endtry
  try "ss wraps"
  enter_user
  mov eax, SMALL3+3
  mov ss, eax
  mov esp, 0
  push 1
  leave_user
  endtry
  try "ebp uses ss"
  enter_user
  mov eax, SMALL3+3
  mov ss, eax
  mov ebp, 100
  mov al, [ebp]
  leave_user
  endtry
  try "enter limit"
  enter_user
  mov eax, SMALL3+3
  mov ss, eax
  mov esp, 8
  enter 100, 3
  leave_user
  endtry

  try "lds limit"
  mov eax, SMALL
  mov fs, eax
  lds ebx, fs:[11]
  endtry
  call flat_segments
  descriptor SHORT_CODE, 0x200000, 0x10, 0x409b
  mov dword ptr [0x20000c], 0x90909090
  mov dword ptr [0x200010], 0x90909090
  mov byte ptr [0x20000f], 0xb8
  try "code limit, whole"
  mov dword ptr [try_start], 0
  jmp SHORT_CODE:0x10
  endtry
  try "code limit, across"
  mov dword ptr [try_start], 0
  jmp SHORT_CODE:0xf
  endtry
  try "code limit, jump beyond"
  mov dword ptr [try_start], 0
  jmp SHORT_CODE:0x11
  endtry
  mov byte ptr [0x20000c], 0xeb
  mov byte ptr [0x20000d], 0x10
  try "code limit, short jump beyond"
  mov dword ptr [try_start], 0
  jmp SHORT_CODE:0xc
  endtry
  jmp finish
