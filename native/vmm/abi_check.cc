// SPDX-License-Identifier: BSD-2-Clause
// The numbers that the kernel's ABI has in FreeBSD 14 and 15, against whichever headers this build has.
#include <cstddef>

#include "vmm/headers.h"

namespace {

static_assert(sizeof(vm_exit) == 136 && offsetof(vm_exit, inst_length) == 4 && offsetof(vm_exit, rip) == 8);
static_assert(offsetof(vm_exit, u) == 16);
static_assert(sizeof(vm_inout) == 8 && offsetof(vm_inout, port) == 2 && offsetof(vm_inout, eax) == 4);
static_assert(sizeof(vm_inout_str) == 88 && offsetof(vm_inout_str, seg_desc) == 72);
static_assert(sizeof(vm_guest_paging) == 24 && offsetof(vm_guest_paging, cpl) == 8);
static_assert(offsetof(vm_exit, u.inst_emul.paging) == 48 && offsetof(vm_exit, u.inst_emul.vie) == 72);
static_assert(sizeof(vie) == 64 && offsetof(vie, num_valid) == 15);
static_assert(offsetof(vm_exit, u.msr.wval) == 24 && offsetof(vm_exit, u.vmx.exit_qualification) == 24);
static_assert(sizeof(vm_task_switch) == 48);
static_assert(sizeof(seg_desc) == 16 && offsetof(seg_desc, access) == 12);
static_assert(sizeof(struct vm_run) == 32 && offsetof(struct vm_run, cpuset) == 8 &&
              offsetof(struct vm_run, cpusetsize) == 16);
static_assert(offsetof(struct vm_run, vm_exit) == 24);
static_assert(sizeof(vm_snapshot_meta) == 64 && offsetof(vm_snapshot_meta, dev_req) == 16);
static_assert(offsetof(vm_snapshot_meta, buffer) == 24 && offsetof(vm_snapshot_meta, op) == 56);

static_assert(VM_EXITCODE_INOUT == 0 && VM_EXITCODE_BOGUS == 2 && VM_EXITCODE_HLT == 5 && VM_EXITCODE_PAGING == 8);
static_assert(VM_EXITCODE_INST_EMUL == 9 && VM_EXITCODE_SUSPENDED == 14 && VM_EXITCODE_INOUT_STR == 15);
static_assert(VM_EXITCODE_TASK_SWITCH == 16 && VM_EXITCODE_DEBUG == 21 && VM_EXITCODE_IPI == 24);
static_assert(VM_REG_GUEST_RAX == 0 && VM_REG_GUEST_R15 == 14 && VM_REG_GUEST_CR0 == 15 && VM_REG_GUEST_RIP == 20);
static_assert(VM_REG_GUEST_RFLAGS == 21 && VM_REG_GUEST_GDTR == 31 && VM_REG_GUEST_EFER == 32);
static_assert(VM_REG_GUEST_INTR_SHADOW == 38 && VM_REG_GUEST_DR6 == 43);
static_assert(VM_CAP_HALT_EXIT == 0 && VM_CAP_UNRESTRICTED_GUEST == 3 && VM_CAP_IPI_EXIT == 8);
static_assert(VM_SUSPEND_RESET == 1 && VM_SUSPEND_HALT == 3 && VM_SUSPEND_TRIPLEFAULT == 4);
static_assert(STRUCT_VIOAPIC == 1 && STRUCT_VLAPIC == 3 && STRUCT_VMCX == 6 && STRUCT_VRTC == 10);
static_assert(VM_SNAPSHOT_SAVE == 0 && VM_SNAPSHOT_RESTORE == 1);
static_assert(CPU_MODE_64BIT == 3 && PAGING_MODE_64 == 3 && TSR_IDT_GATE == 3);

}  // namespace
