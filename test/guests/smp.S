# SPDX-License-Identifier: BSD-2-Clause
# Four processors: start-up, interrupts between them by every kind of address, NMI, INIT, locked operations, code and
# translations that one changes for all, and a timer each (SDM vol. 3, chapters 8 and 10).
.include "prologue.inc"
.include "long.inc"
.include "smp.inc"

.set ROUNDS, 2000
.set TICKS, 5
.set WINDOW, 0x800000     # a page that moves
.set FRAME_A, 0xa00000
.set FRAME_B, 0xa01000

# count table: the handler of an interrupt that counts on its processor
.macro counting table:req
  push rax
  inc byte ptr [\table + r14]
  lock inc dword ptr [arrived]
  apic_write EOI, 0
  pop rax
  iretq
.endm
.macro expect count:req
  wait_for arrived, \count
  mov dword ptr [arrived], 0
.endm

use64
long_main:
  gate64 2, on_nmi
  gate64 0x41, on_message
  gate64 0x42, on_shootdown
  gate64 0x50, on_tick
  gate64 0x91, on_high_message
  call start_others
  sti
  say "started:"
  show_each started
  everybody identify
  say "apic ids:"
  show_each ids

  say "physical:"
  mov ebx, 1
1:
  mov eax, ebx
  shl eax, 24
  mov [r15 + COMMAND_TO], eax
  apic_write COMMAND, 0x41
  wait_for arrived, ebx
  inc ebx
  cmp ebx, [cpus]
  jb 1b
  mov dword ptr [arrived], 0
  show_each messages
  say "all:"
  apic_write COMMAND, TO_ALL + 0x41
  expect [cpus]
  show_each messages
  say "others:"
  apic_write COMMAND, TO_OTHERS + 0x41
  expect [others]
  show_each messages
  say "broadcast:"
  send 0xff, 0x41
  expect [cpus]
  show_each messages
  everybody set_flat
  say "flat:"
  send 3, LOGICAL + 0x41
  expect 2
  show_each messages
  everybody set_cluster
  say "cluster:"
  send 0x03, LOGICAL + 0x41
  expect 2
  show_each messages
  everybody set_flat
  say "lowest priority:"
  send 3, LOGICAL + 0x191
  expect 1
  show_each high_messages
  apic_write TPR, 0x80
  send 3, LOGICAL + 0x191
  expect 1
  say "lower one:"
  show_each high_messages
  everybody set_open
  say "nmi:"
  apic_write COMMAND, TO_OTHERS + 0x4400
  expect [others]
  show_each nmis

  everybody count
  say "locked:"
  mov rax, [locked]
  show "inc", rax
  mov rax, [guarded]
  show "guarded", rax
  mov rax, [exchanged]
  show "cmpxchg", rax
  mov rax, [wide]
  show "cmpxchg16b", rax
  newline

  everybody call_patched
  mov dword ptr [patched + 1], 0x22
  everybody call_patched
  mov dword ptr [patched + 1], 0x33
  everybody call_patched
  say "patched:"
  show_each results

  mov dword ptr [DIRECTORY + (WINDOW >> 21) * 8], TABLE + 7
  mov dword ptr [TABLE], FRAME_A + 7
  mov byte ptr [FRAME_A], 0xaa
  mov byte ptr [FRAME_B], 0xbb
  mov rax, cr3
  mov cr3, rax
  everybody flush
  everybody look
  say "translated:"
  show_each results
  mov dword ptr [TABLE], FRAME_B + 7
  apic_write COMMAND, TO_ALL + 0x42
  expect [cpus]
  everybody look
  say "shot down:"
  show_each results

  everybody tick
  say "ticks:"
  show_each results

  mov dword ptr [alive], 0
  send 1, 0x4500
  delay
  send 1, 0x4600 + (LOW_CODE >> 12)
  wait_for alive, 1
  say "started again:"
  show_each started
  everybody identify
  say "all work:"
  mov eax, [finished]
  show "others", rax
  newline
  apic_write COMMAND, TO_OTHERS + 0x4500    # INIT: a machine ends when none of its processors can go on
  jmp finish64

on_message:
  counting messages
on_high_message:
  counting high_messages
on_nmi:
  push rax
  inc byte ptr [nmis + r14]
  lock inc dword ptr [arrived]
  pop rax
  iretq
on_shootdown:
  push rax
  invlpg [WINDOW]
  lock inc dword ptr [arrived]
  apic_write EOI, 0
  pop rax
  iretq
on_tick:
  inc byte ptr [ticks + r14]
  apic_write EOI, 0
  iretq

identify:
  mov eax, 1
  cpuid
  shr ebx, 24
  mov [ids + r14], bl
  ret

set_flat:
  apic_write DFR, -1
  mov ecx, r14d
  mov eax, 0x01000000
  shl eax, cl
  mov [r15 + LDR], eax
  mov eax, r14d
  shl eax, 4
  mov [r15 + TPR], eax
  ret

set_open:
  apic_write TPR, 0
  ret

# Two to a cluster.
set_cluster:
  apic_write DFR, 0x0fffffff
  apic_write TPR, 0
  mov ecx, r14d
  and ecx, 1
  mov eax, 0x01000000
  shl eax, cl
  mov ecx, r14d
  shr ecx, 1
  shl ecx, 28
  or eax, ecx
  mov [r15 + LDR], eax
  ret

count:
  mov ebp, ROUNDS
1:
  lock inc qword ptr [locked]
2:
  mov eax, 1
  xchg [lock], eax
  test eax, eax
  jz 3f
  pause
  jmp 2b
3:
  inc qword ptr [guarded]
  mov dword ptr [lock], 0
  mov rax, [exchanged]
4:
  lea rcx, [rax + 1]
  lock cmpxchg [exchanged], rcx
  jnz 4b
  mov rax, [wide]
  mov rdx, [wide + 8]
5:
  lea rbx, [rax + 1]
  lea rcx, [rdx - 1]
  lock cmpxchg16b [wide]
  jnz 5b
  dec ebp
  jnz 1b
  ret

call_patched:
  mov eax, 1            # CPUID serializes: the bytes that follow are fetched anew
  cpuid
  call patched
  mov [results + r14], al
  ret

flush:
  mov rax, cr3
  mov cr3, rax
  ret

look:
  mov al, [WINDOW]
  mov [results + r14], al
  ret

tick:
  mov byte ptr [ticks + r14], 0
  apic_write DIVIDE, 0xb
  apic_write LVT_TIMER, 0x20050
  apic_write INITIAL, 30000
1:
  hlt
  cmp byte ptr [ticks + r14], TICKS
  jb 1b
  apic_write LVT_TIMER, 0x10000
  mov byte ptr [results + r14], TICKS
  ret

.align 64
patched:
  mov eax, 0x11
  ret

.data
.align 16
wide:
  .quad 0, 0
locked:
  .quad 0
guarded:
  .quad 0
exchanged:
  .quad 0
lock:
  .long 0
arrived:
  .long 0
.irp table, ids, messages, high_messages, nmis, results, ticks
\table:
  .skip MOST
.endr
