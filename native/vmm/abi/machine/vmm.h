/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of FreeBSD's <machine/vmm.h> (amd64, 14 and 15) that this program uses, for hosts that have none. Names, values
 * and layouts are the kernel's ABI; native/vmm/abi_check.cc holds the numbers against this header and the system's alike.
 */
#pragma once

#include <stdint.h>

enum vm_suspend_how {
  VM_SUSPEND_NONE,
  VM_SUSPEND_RESET,
  VM_SUSPEND_POWEROFF,
  VM_SUSPEND_HALT,
  VM_SUSPEND_TRIPLEFAULT,
  VM_SUSPEND_LAST
};

enum vm_reg_name {
  VM_REG_GUEST_RAX = 0,
  VM_REG_GUEST_RBX,
  VM_REG_GUEST_RCX,
  VM_REG_GUEST_RDX,
  VM_REG_GUEST_RSI,
  VM_REG_GUEST_RDI,
  VM_REG_GUEST_RBP,
  VM_REG_GUEST_R8,
  VM_REG_GUEST_R9,
  VM_REG_GUEST_R10,
  VM_REG_GUEST_R11,
  VM_REG_GUEST_R12,
  VM_REG_GUEST_R13,
  VM_REG_GUEST_R14,
  VM_REG_GUEST_R15,
  VM_REG_GUEST_CR0,
  VM_REG_GUEST_CR3,
  VM_REG_GUEST_CR4,
  VM_REG_GUEST_DR7,
  VM_REG_GUEST_RSP,
  VM_REG_GUEST_RIP,
  VM_REG_GUEST_RFLAGS,
  VM_REG_GUEST_ES,
  VM_REG_GUEST_CS,
  VM_REG_GUEST_SS,
  VM_REG_GUEST_DS,
  VM_REG_GUEST_FS,
  VM_REG_GUEST_GS,
  VM_REG_GUEST_LDTR,
  VM_REG_GUEST_TR,
  VM_REG_GUEST_IDTR,
  VM_REG_GUEST_GDTR,
  VM_REG_GUEST_EFER,
  VM_REG_GUEST_CR2,
  VM_REG_GUEST_PDPTE0,
  VM_REG_GUEST_PDPTE1,
  VM_REG_GUEST_PDPTE2,
  VM_REG_GUEST_PDPTE3,
  VM_REG_GUEST_INTR_SHADOW,
  VM_REG_GUEST_DR0,
  VM_REG_GUEST_DR1,
  VM_REG_GUEST_DR2,
  VM_REG_GUEST_DR3,
  VM_REG_GUEST_DR6,
  VM_REG_GUEST_ENTRY_INST_LENGTH
};

enum x2apic_state { X2APIC_DISABLED, X2APIC_ENABLED, X2APIC_STATE_LAST };

#define VM_INTINFO_DEL_ERRCODE 0x800
#define VM_INTINFO_VALID 0x80000000
#define VM_INTINFO_HWINTR (0 << 8)

enum vm_cap_type {
  VM_CAP_HALT_EXIT,
  VM_CAP_MTRAP_EXIT,
  VM_CAP_PAUSE_EXIT,
  VM_CAP_UNRESTRICTED_GUEST,
  VM_CAP_ENABLE_INVPCID,
  VM_CAP_BPT_EXIT,
  VM_CAP_RDPID,
  VM_CAP_RDTSCP,
  VM_CAP_IPI_EXIT
};

struct seg_desc {
  uint64_t base;
  uint32_t limit;
  uint32_t access; /* as in a VMCS; bit 16: unusable */
};

enum vm_cpu_mode { CPU_MODE_REAL, CPU_MODE_PROTECTED, CPU_MODE_COMPATIBILITY, CPU_MODE_64BIT };
enum vm_paging_mode { PAGING_MODE_FLAT, PAGING_MODE_32, PAGING_MODE_PAE, PAGING_MODE_64, PAGING_MODE_64_LA57 };

struct vm_guest_paging {
  uint64_t cr3;
  int cpl;
  enum vm_cpu_mode cpu_mode;
  enum vm_paging_mode paging_mode;
};

/* What the kernel has decoded of an instruction: for its own emulator, but for the bytes. */
struct vie {
  uint8_t inst[15];
  uint8_t num_valid;
  uint64_t decoded[6];
};

enum vm_exitcode {
  VM_EXITCODE_INOUT,
  VM_EXITCODE_VMX,
  VM_EXITCODE_BOGUS,
  VM_EXITCODE_RDMSR,
  VM_EXITCODE_WRMSR,
  VM_EXITCODE_HLT,
  VM_EXITCODE_MTRAP,
  VM_EXITCODE_PAUSE,
  VM_EXITCODE_PAGING,
  VM_EXITCODE_INST_EMUL,
  VM_EXITCODE_SPINUP_AP,
  VM_EXITCODE_DEPRECATED1,
  VM_EXITCODE_RENDEZVOUS,
  VM_EXITCODE_IOAPIC_EOI,
  VM_EXITCODE_SUSPENDED,
  VM_EXITCODE_INOUT_STR,
  VM_EXITCODE_TASK_SWITCH,
  VM_EXITCODE_MONITOR,
  VM_EXITCODE_MWAIT,
  VM_EXITCODE_SVM,
  VM_EXITCODE_REQIDLE,
  VM_EXITCODE_DEBUG,
  VM_EXITCODE_VMINSN,
  VM_EXITCODE_BPT,
  VM_EXITCODE_IPI,
  VM_EXITCODE_DB,
  VM_EXITCODE_MAX
};

struct vm_inout {
  uint16_t bytes : 3;
  uint16_t in : 1;
  uint16_t string : 1;
  uint16_t rep : 1;
  uint16_t port;
  uint32_t eax;
};

struct vm_inout_str {
  struct vm_inout inout;
  struct vm_guest_paging paging;
  uint64_t rflags;
  uint64_t cr0;
  uint64_t index;
  uint64_t count;
  int addrsize;
  enum vm_reg_name seg_name;
  struct seg_desc seg_desc;
};

enum task_switch_reason { TSR_CALL, TSR_IRET, TSR_JMP, TSR_IDT_GATE };

struct vm_task_switch {
  uint16_t tsssel;
  int ext;
  uint32_t errcode;
  int errcode_valid;
  enum task_switch_reason reason;
  struct vm_guest_paging paging;
};

struct vm_exit {
  enum vm_exitcode exitcode;
  int inst_length; /* 0: unknown */
  uint64_t rip;
  union {
    struct vm_inout inout;
    struct vm_inout_str inout_str;
    struct {
      uint64_t gpa;
      int fault_type;
    } paging;
    struct {
      uint64_t gpa;
      uint64_t gla;
      uint64_t cs_base;
      int cs_d;
      struct vm_guest_paging paging;
      struct vie vie;
    } inst_emul;
    struct {
      int status;
      uint32_t exit_reason;
      uint64_t exit_qualification;
      int inst_type;
      int inst_error;
    } vmx;
    struct {
      uint64_t exitcode;
      uint64_t exitinfo1;
      uint64_t exitinfo2;
    } svm;
    struct {
      uint32_t code;
      uint64_t wval;
    } msr;
    struct {
      int vcpu;
      uint64_t rip;
    } spinup_ap;
    struct {
      uint64_t rflags;
      uint64_t intr_status;
    } hlt;
    struct {
      int vector;
    } ioapic_eoi;
    struct {
      enum vm_suspend_how how;
    } suspended;
    struct {
      uint32_t mode;
      uint8_t vector;
    } ipi;
    struct vm_task_switch task_switch;
  } u;
};
