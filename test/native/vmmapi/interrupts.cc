// SPDX-License-Identifier: BSD-2-Clause
// Interrupts and exceptions from outside, and what else userspace reaches of the kernel's chips.
#include <cerrno>

#include "vmctx.h"

using namespace imitation;

int vm_inject_exception(vcpu* cpu, int vector, int, std::uint32_t, int) {
  constexpr int general_protection = 13;
  if (vector != general_protection || !cpu->awaits_msr) return fail(EINVAL);
  cpu->msr_refused = true;
  return 0;
}

int vm_inject_nmi(vcpu* cpu) {
  cpu->vm->cpu->vcpu(0).inject_nmi();
  return 0;
}

int vm_get_intinfo(vcpu* cpu, std::uint64_t* i1, std::uint64_t* i2) {
  *i1 = cpu->intinfo;
  *i2 = 0;
  return 0;
}

int vm_set_intinfo(vcpu* cpu, std::uint64_t exit_intinfo) {
  cpu->intinfo = exit_intinfo;
  return 0;
}

int vm_lapic_msi(vmctx* ctx, std::uint64_t addr, std::uint64_t msg) {
  ctx->cpu->send_msi(addr, static_cast<std::uint32_t>(msg));
  return 0;
}

namespace {

int change_ioapic(vmctx* ctx, int pin, int by) {
  if (pin < 0 || pin >= static_cast<int>(IoApic::pins)) return fail(EINVAL);
  ctx->chips->change_ioapic(pin, by);
  return 0;
}

int change_isa(vmctx* ctx, int irq, int pin, int by) {
  if (irq < 0 || irq > 15 || irq == 2) return fail(EINVAL);
  ctx->chips->change_pic(irq, by);
  return pin == -1 ? 0 : change_ioapic(ctx, pin, by);
}

}  // namespace

int vm_ioapic_assert_irq(vmctx* ctx, int irq) { return change_ioapic(ctx, irq, 1); }
int vm_ioapic_deassert_irq(vmctx* ctx, int irq) { return change_ioapic(ctx, irq, -1); }
int vm_isa_assert_irq(vmctx* ctx, int atpic_irq, int ioapic_irq) { return change_isa(ctx, atpic_irq, ioapic_irq, 1); }
int vm_isa_deassert_irq(vmctx* ctx, int atpic_irq, int ioapic_irq) {
  return change_isa(ctx, atpic_irq, ioapic_irq, -1);
}

int vm_readwrite_kernemu_device(vcpu* cpu, vm_paddr_t gpa, bool write, int size, std::uint64_t* value) {
  return cpu->vm->chips->memory(write, gpa, static_cast<unsigned>(size), *value, cpu->vm->now()) ? 0 : fail(EINVAL);
}

int vm_rtc_write(vmctx* ctx, int offset, std::uint8_t value) {
  if (offset < 0 || offset > 127) return fail(EINVAL);
  ctx->chips->rtc.state.memory[offset] = value;
  return 0;
}

int vm_rtc_settime(vmctx* ctx, time_t secs) {
  ctx->chips->rtc.set_seconds(secs, ctx->now());
  return 0;
}

int vm_rtc_gettime(vmctx* ctx, time_t* secs) {
  *secs = ctx->chips->rtc.seconds(ctx->now());
  return 0;
}
