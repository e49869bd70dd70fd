// SPDX-License-Identifier: BSD-2-Clause
// Interrupts and exceptions from outside, and what else userspace reaches of the kernel's chips.
#include <cerrno>

#include "lapic_page.h"
#include "vmctx.h"

using namespace imitation;

int vm_inject_exception(vcpu* cpu, int vector, int, std::uint32_t, int) {
  const Frozen frozen(cpu);
  if (!frozen) return fail(EBUSY);
  constexpr int general_protection = 13;
  if (vector != general_protection || !cpu->awaits_msr) return fail(EINVAL);
  cpu->msr_refused = true;
  return 0;
}

int vm_inject_nmi(vcpu* cpu) {
  const std::lock_guard guard(cpu->vm->lock);
  cpu->core().inject_nmi();
  cpu->vm->changed.notify_all();
  return 0;
}

int vm_get_intinfo(vcpu* cpu, std::uint64_t* i1, std::uint64_t* i2) {
  constexpr std::uint64_t refusal = 13 | 3 << 8 | 1 << 11 | std::uint64_t{1} << 31;  // SDM vol. 3, table 25-17
  *i1 = cpu->intinfo;
  *i2 = cpu->msr_refused ? refusal : 0;
  return 0;
}

int vm_set_intinfo(vcpu* cpu, std::uint64_t exit_intinfo) {
  cpu->intinfo = exit_intinfo;
  return 0;
}

int vm_lapic_msi(vmctx* ctx, std::uint64_t addr, std::uint64_t msg) {
  const std::lock_guard guard(ctx->lock);
  ctx->cores->send_msi(addr, static_cast<std::uint32_t>(msg));
  ctx->changed.notify_all();
  return 0;
}

namespace {

constexpr int no_input = -1;

int change(vmctx* ctx, int irq, int pin, int by) {
  if (irq != no_input && (irq < 0 || irq > 15 || irq == 2)) return fail(EINVAL);
  if (pin != no_input && (pin < 0 || pin >= static_cast<int>(IoApic::pins))) return fail(EINVAL);
  const std::lock_guard guard(ctx->lock);
  if (irq != no_input) ctx->chips->change_pic(irq, by);
  if (pin != no_input) ctx->chips->change_ioapic(pin, by);
  ctx->changed.notify_all();
  return 0;
}

}  // namespace

int vm_ioapic_assert_irq(vmctx* ctx, int irq) { return change(ctx, no_input, irq, 1); }
int vm_ioapic_deassert_irq(vmctx* ctx, int irq) { return change(ctx, no_input, irq, -1); }
int vm_isa_assert_irq(vmctx* ctx, int atpic_irq, int ioapic_irq) { return change(ctx, atpic_irq, ioapic_irq, 1); }
int vm_isa_deassert_irq(vmctx* ctx, int atpic_irq, int ioapic_irq) { return change(ctx, atpic_irq, ioapic_irq, -1); }

namespace {

/// Of the local APIC what is a row as it is; the rest of its registers only the guest reaches here.
int access_lapic(tsbhyve::soft::SoftVcpu& core, std::uint64_t offset, bool write, std::uint64_t* value) {
  std::vector<std::uint64_t> rows = core.get_lapic();
  if (offset == 0x20 && !write) {
    *value = rows[static_cast<std::size_t>(tsbhyve::LapicRow::id)] << 24;
    return 0;
  }
  for (const LapicRegisters& entry : lapic_registers) {
    const std::uint64_t index = (offset - entry.offset) / 16;
    if (offset < entry.offset || index >= entry.count) continue;
    std::uint64_t& row = rows[static_cast<std::size_t>(entry.row) + index];
    if (!write) {
      *value = row;
      return 0;
    }
    row = *value & 0xffffffff;
    core.set_lapic(rows);
    return 0;
  }
  return fail(EINVAL);
}

}  // namespace

int vm_readwrite_kernemu_device(vcpu* cpu, vm_paddr_t gpa, bool write, int size, std::uint64_t* value) {
  constexpr std::uint64_t lapic = 0xfee00000;
  const Frozen frozen(cpu);
  if (!frozen) return fail(EBUSY);
  if (gpa - lapic < 0x1000) return size == 4 ? access_lapic(cpu->core(), gpa - lapic, write, value) : fail(EINVAL);
  return cpu->vm->chips->memory(write, gpa, static_cast<unsigned>(size), *value, cpu->vm->now()) ? 0 : fail(EINVAL);
}

int vm_rtc_write(vmctx* ctx, int offset, std::uint8_t value) {
  if (offset < 0 || offset > 127) return fail(EINVAL);
  const std::lock_guard guard(ctx->lock);
  ctx->chips->rtc.state.memory[offset] = value;
  return 0;
}

int vm_rtc_settime(vmctx* ctx, time_t secs) {
  const std::lock_guard guard(ctx->lock);
  ctx->chips->rtc.set_seconds(secs, ctx->now());
  return 0;
}

int vm_rtc_gettime(vmctx* ctx, time_t* secs) {
  const std::lock_guard guard(ctx->lock);
  *secs = ctx->chips->rtc.seconds(ctx->now());
  return 0;
}
