// SPDX-License-Identifier: BSD-2-Clause
#include "soft/alone.h"

#include <algorithm>

namespace tsbhyve::soft {

Exit Alone::run(u64 deadline) {
  SoftVcpu& vcpu = vcpu_;
  const VmTime& time = all_.time;
  vcpu.take_answer();
  const u64 slice_end = vcpu.retired() + (time.is_virtual() ? virtual_slice : real_slice);
  for (;;) {
    if (vcpu.leaves_for_eoi()) return vcpu.leave(ExitKind::Eoi);
    if (all_.woken.exchange(false, std::memory_order_acquire)) return vcpu.leave(ExitKind::Woken);
    const u64 now = vcpu.time();
    // Among events of one instant the APIC's own come first.
    vcpu.apic().advance(now);
    if (!vcpu.in_flight() && now >= deadline) return vcpu.leave(ExitKind::Deadline);
    if (vcpu.retired() >= slice_end) return vcpu.leave(ExitKind::None);
    u64 budget = slice_end - vcpu.retired();
    if (time.is_virtual()) {
      const u64 next = std::min<u64>(deadline, vcpu.apic().next_deadline());
      budget = std::min(budget, std::max<u64>(1, time.instructions_until(next, vcpu.retired())));
    }
    vcpu.set_budget(budget);
    const ExitKind kind = vcpu.execute();
    if (kind != ExitKind::None) return vcpu.leave(kind);
  }
}

Exit Alone::safepoint() {
  vcpu_.take_answer();
  if (!vcpu_.in_flight()) return {};
  const ExitKind kind = vcpu_.finish();
  return kind == ExitKind::None ? Exit{} : vcpu_.leave(kind);
}

}  // namespace tsbhyve::soft
