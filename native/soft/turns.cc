// SPDX-License-Identifier: BSD-2-Clause
#include "soft/turns.h"

#include <algorithm>

#include "soft/events.h"

namespace tsbhyve::soft {

void Turns::tell_total(u64 total) {
  for (const auto& vcpu : all_.vcpus) vcpu->set_total(total);
}

/// Fires what is due, and tells when the next timer is.
u64 Turns::fire_timers(u64 now) {
  u64 next = ~u64{0};
  for (const auto& vcpu : all_.vcpus) {
    vcpu->apic().advance(now);
    next = std::min(next, vcpu->apic().next_deadline());
  }
  return next;
}

/// Hands over to the next that has something to do, the present one last. False if nobody has.
bool Turns::begin_turn() {
  const u32 count = static_cast<u32>(all_.vcpus.size());
  for (u32 distance = 1; distance <= count; distance++) {
    const u32 candidate = (turn_.vcpu + distance) % count;
    if (!has_work(all_.vcpus[candidate]->cpu())) continue;
    turn_ = {candidate, turn_length};
    return true;
  }
  return false;
}

/// What is done in a turn is taken off it.
ExitKind Turns::work(SoftVcpu& vcpu, ExitKind (SoftVcpu::*step)()) {
  const u64 before = vcpu.retired();
  const ExitKind kind = (vcpu.*step)();
  turn_.left -= std::min(turn_.left, vcpu.retired() - before);
  if (vcpu.take_yield() || kind == ExitKind::Hlt) turn_.left = 0;
  return kind;
}

/// Nobody has anything to do; the exit is that of the vCPU which came to rest last.
Exit Turns::halted() {
  const bool hopeless = std::none_of(all_.vcpus.begin(), all_.vcpus.end(), [](const auto& vcpu) {
    return vcpu->cpu()->run_state == RunState::Halted && (vcpu->cpu()->rflags & rflags::IF);
  });
  current().slot.detail = hopeless;
  return current().leave(ExitKind::Hlt);
}

Exit Turns::run(u64 deadline) {
  const VmTime& time = all_.time;
  current().take_answer();
  const u64 slice_end = all_.retired() + virtual_slice;
  for (;;) {
    const u64 total = all_.retired(), now = time.at(total);
    tell_total(total);
    for (const auto& vcpu : all_.vcpus) {
      if (vcpu->leaves_for_eoi()) return vcpu->leave(ExitKind::Eoi);
    }
    if (all_.woken.exchange(false, std::memory_order_acquire)) return current().leave(ExitKind::Woken);
    // Among events of one instant those of the APICs come first.
    const u64 timer = fire_timers(now);
    if (current().in_flight()) {
      const ExitKind kind = work(current(), &SoftVcpu::finish);
      if (kind != ExitKind::None) return current().leave(kind);
      continue;
    }
    if (now >= deadline) return current().leave(ExitKind::Deadline);
    if (total >= slice_end) return current().leave(ExitKind::None);
    if ((turn_.left == 0 || !has_work(current().cpu())) && !begin_turn()) return halted();
    const u64 until = time.instructions_until(std::min(deadline, timer), total);
    current().set_budget(std::min({slice_end - total, turn_.left, std::max<u64>(1, until)}));
    const ExitKind kind = work(current(), &SoftVcpu::execute);
    if (kind != ExitKind::None && kind != ExitKind::Hlt) return current().leave(kind);
  }
}

Exit Turns::safepoint() {
  SoftVcpu& vcpu = current();
  vcpu.take_answer();
  if (!vcpu.in_flight()) return {};
  tell_total(all_.retired());
  const ExitKind kind = work(vcpu, &SoftVcpu::finish);
  return kind == ExitKind::None ? Exit{} : vcpu.leave(kind);
}

}  // namespace tsbhyve::soft
