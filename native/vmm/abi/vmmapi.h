/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of FreeBSD's <vmmapi.h> that this program uses, in the shape it has in FreeBSD 14, for hosts that have none:
 * there the imitation of test/native/vmmapi implements it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "machine/vmm.h"
#include "machine/vmm_dev.h"
#include "machine/vmm_snapshot.h"

#define VMMAPI_VERSION 0200 /* two octal digits each of major and minor */

typedef uint64_t vm_paddr_t;
typedef int64_t vm_ooffset_t;

struct vmctx;
struct vcpu;

enum { VM_SYSMEM, VM_BOOTROM, VM_FRAMEBUFFER, VM_PCIROM };
enum vm_mmap_style { VM_MMAP_NONE, VM_MMAP_ALL, VM_MMAP_SPARSE };

int vm_create(const char* name);
struct vmctx* vm_open(const char* name);
void vm_close(struct vmctx* ctx);
void vm_destroy(struct vmctx* ctx);
int vm_get_device_fd(struct vmctx* ctx);
int vm_setup_memory(struct vmctx* ctx, size_t len, enum vm_mmap_style style);
void* vm_create_devmem(struct vmctx* ctx, int segid, const char* name, size_t len);
int vm_mmap_memseg(struct vmctx* ctx, vm_paddr_t gpa, int segid, vm_ooffset_t segoff, size_t len, int prot);
int vm_munmap_memseg(struct vmctx* ctx, vm_paddr_t gpa, size_t len);
int vm_set_topology(struct vmctx* ctx, uint16_t sockets, uint16_t cores, uint16_t threads, uint16_t maxcpus);
int vm_suspend(struct vmctx* ctx, enum vm_suspend_how how);
int vm_reinit(struct vmctx* ctx);

struct vcpu* vm_vcpu_open(struct vmctx* ctx, int vcpuid);
void vm_vcpu_close(struct vcpu* vcpu);
int vcpu_reset(struct vcpu* vcpu);
int vm_activate_cpu(struct vcpu* vcpu);
int vm_suspend_cpu(struct vcpu* vcpu);
int vm_resume_cpu(struct vcpu* vcpu);
int vm_run(struct vcpu* vcpu, struct vm_run* vmrun);
int vm_set_capability(struct vcpu* vcpu, enum vm_cap_type cap, int val);
int vm_set_x2apic_state(struct vcpu* vcpu, enum x2apic_state state);

int vm_set_desc(struct vcpu* vcpu, int reg, uint64_t base, uint32_t limit, uint32_t access);
int vm_get_desc(struct vcpu* vcpu, int reg, uint64_t* base, uint32_t* limit, uint32_t* access);
int vm_set_register(struct vcpu* vcpu, int reg, uint64_t val);
int vm_get_register(struct vcpu* vcpu, int reg, uint64_t* retval);
int vm_set_register_set(struct vcpu* vcpu, unsigned int count, const int* regnums, uint64_t* regvals);
int vm_get_register_set(struct vcpu* vcpu, unsigned int count, const int* regnums, uint64_t* regvals);

int vm_inject_exception(struct vcpu* vcpu, int vector, int errcode_valid, uint32_t errcode, int restart_instruction);
int vm_inject_nmi(struct vcpu* vcpu);
int vm_get_intinfo(struct vcpu* vcpu, uint64_t* i1, uint64_t* i2);
int vm_set_intinfo(struct vcpu* vcpu, uint64_t exit_intinfo);
int vm_lapic_msi(struct vmctx* ctx, uint64_t addr, uint64_t msg);
int vm_ioapic_assert_irq(struct vmctx* ctx, int irq);
int vm_ioapic_deassert_irq(struct vmctx* ctx, int irq);
int vm_isa_assert_irq(struct vmctx* ctx, int atpic_irq, int ioapic_irq);
int vm_isa_deassert_irq(struct vmctx* ctx, int atpic_irq, int ioapic_irq);
int vm_readwrite_kernemu_device(struct vcpu* vcpu, vm_paddr_t gpa, bool write, int size, uint64_t* value);
int vm_rtc_write(struct vmctx* ctx, int offset, uint8_t value);
int vm_rtc_settime(struct vmctx* ctx, time_t secs);
int vm_rtc_gettime(struct vmctx* ctx, time_t* secs);

int vm_snapshot_req(struct vmctx* ctx, struct vm_snapshot_meta* meta);
int vm_restore_time(struct vmctx* ctx);
