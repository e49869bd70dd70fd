# SPDX-License-Identifier: BSD-2-Clause
# Task switches through TSS descriptors, task gates and interrupts (SDM vol. 3, chapter 7).
.include "prologue.inc"
.include "segments.inc"

.set TASK, FREE+0x70       # a second 32-bit task
.set TASK_GATE, FREE+0x78
.set TASK16, FREE+0x80     # a 16-bit task
.set TASK_SHORT, FREE+0x88 # limit too small
.set TASK_ABSENT, FREE+0x90
.set CODE16_LOW, FREE+0x98
.set TASK_USER, FREE+0xa0  # DPL 3
.set FAULT_TASK, FREE+0xa8 # four, for vectors 10 to 13
.set TSS_SIZE, 112
.set BUSY, 2

.include "tasks.inc"

main:
  call make_descriptors
  descriptor TASK, task, 0x67, 0x0089
  descriptor TASK16, task16, 0x2b, 0x0081
  descriptor TASK_SHORT, task, 0x66, 0x0089
  descriptor TASK_ABSENT, task, 0x67, 0x0009
  descriptor TASK_USER, task, 0x67, 0x00e9
  .irp n, 0, 1, 2, 3
  descriptor FAULT_TASK+8*\n, fault_task+TSS_SIZE*\n, 0x67, 0x0089
  .endr
  descriptor CODE16_LOW, LOAD_ADDRESS, 0xffff, 0x009a
  gate TASK_GATE, TASK, 0, 0xe5

  call fresh
  try "call"
  mov eax, 0x1234
  call TASK:0x5555
  show "back", eax
  show_tasks
  endtry
  show_seen
  call fresh
  try "call through a task gate"
  call TASK_GATE:0
  show_tasks
  endtry
  show_seen
  call fresh
  mov dword ptr [task + 32], offset jump_back
  try "jmp there and back"
  jmp TASK:0
  show_tasks
  endtry
  call fresh
  mov dword ptr [task + 32], offset jump_back
  try "jmp through a task gate from ring 3"
  enter_user
  jmp TASK_GATE:0
  leave_user
  show_tasks
  endtry
  call fresh
  gate32 0x30, 0, TASK, 0xe5
  try "int through a task gate"
  int 0x30
  show_tasks
  endtry
  show_seen
  call fresh
  mov dword ptr [task + 32], offset handler_with_error
  gate32 13, 0, TASK, 0x85
  try "fault through a task gate"
  mov eax, 0x7ff8
1:
  mov ds, eax
  endtry
  ungate32 13
  movzx eax, word ptr [task]
  show "link", eax
  mov eax, [seen]
  show "error", eax
  mov eax, [tss32 + 32]
  sub eax, offset 1b
  show "eip", eax
  call rewind_task
  newline

  try "busy"
  call TSS32:0
  endtry
  call fresh
  or byte ptr [gdt + TASK + 5], BUSY
  try "busy through a gate"
  call TASK_GATE:0
  endtry
  try "busy through an interrupt"
  int 0x30
  endtry
  call fresh
  try "short"
  call TASK_SHORT:0
  endtry
  try "absent"
  call TASK_ABSENT:0
  endtry
  gate TASK_GATE, TASK_ABSENT, 0, 0xe5
  try "absent through a gate"
  call TASK_GATE:0
  endtry
  gate TASK_GATE, DATA, 0, 0xe5
  try "gate to data"
  call TASK_GATE:0
  endtry
  gate TASK_GATE, 0xc, 0, 0xe5
  try "gate to a local selector"
  call TASK_GATE:0
  endtry
  gate TASK_GATE, 0x7ff8, 0, 0xe5
  try "gate beyond"
  call TASK_GATE:0
  endtry
  gate TASK_GATE, TASK, 0, 0x85
  try "gate of ring 0 from ring 3"
  enter_user
  call TASK_GATE:0
  leave_user
  endtry
  try "tss of ring 3 from ring 3"
  enter_user
  call TASK_USER:0
  leave_user
  endtry
  call rewind_task
  gate32 0x30, 0, DATA, 0xe5
  try "interrupt to data"
  int 0x30
  endtry
  gate32 0x30, 0, 0xc, 0xe5
  try "interrupt to a local selector"
  int 0x30
  endtry
  gate32 0x30, 0, TASK_ABSENT, 0xe5
  try "interrupt to an absent task"
  int 0x30
  endtry
  gate32 0x30, 0, TASK_SHORT, 0xe5
  try "interrupt to a short task"
  int 0x30
  endtry
  call fresh
  mov word ptr [tss32], DATA
  try "iret with nt to data"
  pushfd
  or dword ptr [esp], 0x4000
  popfd
  iretd
  endtry
  mov word ptr [tss32], TASK
  call fresh
  try "iret with nt to a task that is not busy"
  pushfd
  or dword ptr [esp], 0x4000
  popfd
  iretd
  endtry
  call fresh

  .irp n, 0, 1, 2, 3
  gate32 10+\n, 0, FAULT_TASK+8*\n, 0x85
  .endr
  try_field "ldt data", 96, DATA
  try_field "ldt beyond", 96, 0x7ff8
  try_field "ldt good", 96, LDT
  try_field "cs null", 76, 0
  try_field "cs data", 76, DATA
  try_field "cs rpl", 76, CODE32+3
  try_field "cs absent", 76, ABSENT
  try_field "ds code", 84, EXECUTE_ONLY
  try_field "ds beyond", 84, 0x7ff8
  try_field "ds tss", 84, TSS32
  try_field "ds absent", 84, ABSENT
  try_field "es dpl", 72, DATA+3
  try_field "ss null", 80, 0
  try_field "ss user", 80, USER_DATA
  try_field "ss absent", 80, ABSENT
  try_field "ss code", 80, CODE32
  try_field "gs absent", 92, ABSENT

  .irp vector, 10, 11, 12, 13
  ungate32 \vector
  .endr
  call fresh
  mov dword ptr [task + 100], 1
  try "debug trap of the new task"
  mov dword ptr [try_start], offset in_task
  call TASK:0
  endtry
  mov eax, dr6
  show "dr6", eax
  newline
  xor eax, eax
  mov dr6, eax
  call rewind_task
  call sixteen
  jmp finish

sixteen:
  call fresh
  mov word ptr [task16 + 14], offset in_task16-multiboot_header
  mov word ptr [task16 + 16], 2
  mov word ptr [task16 + 18], 0x1111
  mov word ptr [task16 + 26], 0x8000
  mov word ptr [task16 + 34], DATA
  mov word ptr [task16 + 36], CODE16_LOW
  mov word ptr [task16 + 38], DATA
  mov word ptr [task16 + 40], DATA
  mov word ptr [task16 + 42], 0
  try "16-bit task"
  mov ebx, 0x12345678
  call TASK16:0
  show "ebx", ebx
  show_tasks
  endtry
  movzx eax, byte ptr [gdt + TASK16 + 5]
  show "new16", eax
  movzx eax, word ptr [task16]
  show "link", eax
  mov eax, [seen]
  show "eax", eax
  mov eax, [seen + 4]
  show "fs", eax
  mov eax, [seen + 8]
  show "gs", eax
  newline
  ret

.code16
in_task16:
  mov edi, offset seen
  movzx eax, ax          # what the upper halves become is not defined
  mov [edi], eax
  mov ax, fs
  movzx eax, ax
  mov [edi + 4], eax
  mov ax, gs
  movzx eax, ax
  mov [edi + 8], eax
  iret
.code32

handler_with_error:
  pop dword ptr [seen]
  jmp recover32

.bss
.align 8
task: .skip 104 + 8
task16: .skip 48
fault_task: .skip 4 * TSS_SIZE
seen: .skip 32
  .skip 1024
task_stack_top:
.text
