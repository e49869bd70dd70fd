// SPDX-License-Identifier: BSD-2-Clause
// Into a case with all registers loaded, and out of it again by its own end or by a signal.
//
// The case owns every register, so everything is addressed relative to RIP. A signal handler that leaves without
// sigreturn needs no system call: SA_NODEFER keeps the mask, and the kernel finds the alternate stack free by looking
// at RSP.
#include "host_stub.h"

#if defined(__x86_64__) && defined(__linux__)

using tsbhyve::differential::Exchange;

static_assert(offsetof(Exchange, out) == 176 && offsetof(Exchange, uses_fx) == 352);
static_assert(offsetof(Exchange, host_stack) == 360 && offsetof(Exchange, in_fx) == 384 &&
              offsetof(Exchange, out_fx) == 896);

Exchange differential_exchange;

asm(R"(
  .text
  .globl differential_enter, differential_leave, differential_handler
  .set X_RFLAGS, 128
  .set X_RIP, 136
  .set X_FS_BASE, 144
  .set X_GS_BASE, 152
  .set X_SELECTOR, 160
  .set X_OUT, 176
  .set X_USES_FX, 352
  .set X_COMPAT, 353
  .set X_REACHED_END, 354
  .set X_RUNNING, 355
  .set X_RESTORE, 356
  .set X_HOST_STACK, 360
  .set X_HOST_FS_BASE, 368
  .set X_CLEAN_MXCSR, 376
  .set X_IN_FX, 384
  .set X_OUT_FX, 896

  .macro EX op:req, offset:req, register:req
    \op differential_exchange+\offset(%rip), %\register
  .endm
  .macro PUT register:req, offset:req
    mov %\register, differential_exchange+\offset(%rip)
  .endm
  .macro LOAD_GPRS
    EX mov, 8, rcx
    EX mov, 16, rdx
    EX mov, 24, rbx
    EX mov, 40, rbp
    EX mov, 48, rsi
    EX mov, 56, rdi
    EX mov, 64, r8
    EX mov, 72, r9
    EX mov, 80, r10
    EX mov, 88, r11
    EX mov, 96, r12
    EX mov, 104, r13
    EX mov, 112, r14
    EX mov, 120, r15
    EX mov, 0, rax
    EX mov, 32, rsp
  .endm

differential_enter:
  push %rbx
  push %rbp
  push %r12
  push %r13
  push %r14
  push %r15
  PUT rsp, X_HOST_STACK
  rdfsbase %rax
  PUT rax, X_HOST_FS_BASE
  movb $1, differential_exchange+X_RUNNING(%rip)
  movb $0, differential_exchange+X_REACHED_END(%rip)
  cmpb $0, differential_exchange+X_USES_FX(%rip)
  je 1f
  fxrstor64 differential_exchange+X_IN_FX(%rip)
1:
  cmpb $0, differential_exchange+X_COMPAT(%rip)
  jne 2f
  EX mov, X_FS_BASE, rax
  wrfsbase %rax
  EX mov, X_GS_BASE, rax
  wrgsbase %rax
  pushq differential_exchange+X_RFLAGS(%rip)
  popfq
  LOAD_GPRS
  jmp *differential_exchange+X_RIP(%rip)
2:
  mov differential_exchange+X_SELECTOR(%rip), %es
  mov differential_exchange+X_SELECTOR+6(%rip), %ds
  mov differential_exchange+X_SELECTOR+8(%rip), %fs
  mov differential_exchange+X_SELECTOR+10(%rip), %gs
  mov differential_exchange+X_SELECTOR+4(%rip), %ss
  mov differential_exchange+X_SELECTOR+2(%rip), %ax
  mov %ax, differential_exchange+X_RIP+4(%rip)
  pushq differential_exchange+X_RFLAGS(%rip)
  popfq
  LOAD_GPRS
  ljmp *differential_exchange+X_RIP(%rip)

differential_leave:
  PUT rax, X_OUT
  PUT rcx, X_OUT+8
  PUT rdx, X_OUT+16
  PUT rbx, X_OUT+24
  PUT rsp, X_OUT+32
  PUT rbp, X_OUT+40
  PUT rsi, X_OUT+48
  PUT rdi, X_OUT+56
  PUT r8, X_OUT+64
  PUT r9, X_OUT+72
  PUT r10, X_OUT+80
  PUT r11, X_OUT+88
  PUT r12, X_OUT+96
  PUT r13, X_OUT+104
  PUT r14, X_OUT+112
  PUT r15, X_OUT+120
  EX mov, X_HOST_STACK, rsp
  pushfq
  popq differential_exchange+X_OUT+X_RFLAGS(%rip)
  pushq $2
  popfq
  mov %ss, differential_exchange+X_OUT+X_SELECTOR+4(%rip)
  movb $1, differential_exchange+X_REACHED_END(%rip)
  cmpb $0, differential_exchange+X_USES_FX(%rip)
  je 3f
  fxsave64 differential_exchange+X_OUT_FX(%rip)
  fninit
  ldmxcsr differential_exchange+X_CLEAN_MXCSR(%rip)
3:
  mov %es, differential_exchange+X_OUT+X_SELECTOR(%rip)
  mov %ds, differential_exchange+X_OUT+X_SELECTOR+6(%rip)
  mov %fs, differential_exchange+X_OUT+X_SELECTOR+8(%rip)
  mov %gs, differential_exchange+X_OUT+X_SELECTOR+10(%rip)
  rdfsbase %rax
  PUT rax, X_OUT+X_FS_BASE
  rdgsbase %rax
  PUT rax, X_OUT+X_GS_BASE
restore:
  movb $0, differential_exchange+X_RUNNING(%rip)
  cmpb $0, differential_exchange+X_RESTORE(%rip)
  je 4f
  xor %eax, %eax
  mov %eax, %es
  mov %eax, %ds
  mov %eax, %fs
  mov %eax, %gs
  mov $0x2b, %eax
  mov %eax, %ss
4:
  EX mov, X_HOST_FS_BASE, rax
  wrfsbase %rax
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbp
  pop %rbx
  ret

differential_handler:
  pushq $2
  popfq
  cmpb $0, differential_exchange+X_RUNNING(%rip)
  jne 5f
  jmp differential_outside
5:
  mov %es, differential_exchange+X_OUT+X_SELECTOR(%rip)
  mov %ds, differential_exchange+X_OUT+X_SELECTOR+6(%rip)
  mov %fs, differential_exchange+X_OUT+X_SELECTOR+8(%rip)
  mov %gs, differential_exchange+X_OUT+X_SELECTOR+10(%rip)
  rdfsbase %rax
  PUT rax, X_OUT+X_FS_BASE
  rdgsbase %rax
  PUT rax, X_OUT+X_GS_BASE
  EX mov, X_HOST_FS_BASE, rax
  wrfsbase %rax
  sub $8, %rsp
  call differential_signal
  EX mov, X_HOST_STACK, rsp
  jmp restore
  .section .note.GNU-stack,"",@progbits
  .text
)");

#endif
