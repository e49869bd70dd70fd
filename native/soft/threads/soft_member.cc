// SPDX-License-Identifier: BSD-2-Clause
#include "soft/threads/soft_member.h"

#include <algorithm>

namespace tsbhyve::soft {

namespace {

/// Instructions until a vCPU looks at the time, its messages and its mail: some ten microseconds.
constexpr u64 between_looks = 4096;

}  // namespace

SoftMember::SoftMember(SoftVcpu& vcpu, CodePages& pages, const Doorbells& doorbells, unsigned index,
                       std::function<void()> rouse)
    : vcpu_(vcpu), doorbells_(doorbells), threaded_(vcpu.cpu(), pages, index, std::move(rouse)) {
  vcpu_.set_threaded(&threaded_);
}

SoftMember::~SoftMember() { vcpu_.set_threaded(nullptr); }

CrewStop SoftMember::run() {
  threaded_.enter();
  const CrewStop stop = run_slice();
  threaded_.leave();
  return stop;
}

CrewStop SoftMember::run_slice() {
  vcpu_.take_answer();
  const u64 slice_end = vcpu_.retired() + real_slice;
  for (;;) {
    if (vcpu_.leaves_for_eoi()) return ask(ExitKind::Eoi);
    vcpu_.apic().advance(vcpu_.time());
    if (!vcpu_.in_flight() && (threaded_.take_stop() || vcpu_.retired() >= slice_end)) return CrewStop::Again;
    // Whoever wants it to stop is heard between two instructions, and a guest may need a device for each of its next.
    vcpu_.set_budget(vcpu_.in_flight() ? 1 : between_looks);
    const ExitKind kind = vcpu_.execute();
    if (vcpu_.take_wish_to_be_alone()) return CrewStop::Alone;
    if (kind == ExitKind::None) continue;
    if ((kind == ExitKind::MmioWrite || kind == ExitKind::PortWrite) && doorbells_.ring(vcpu_.cpu()->access)) {
      vcpu_.answer_write();
      continue;
    }
    return stopped(kind);
  }
}

CrewStop SoftMember::run_alone() {
  threaded_.enter();
  threaded_.set_alone(true);
  vcpu_.set_budget(1);
  const ExitKind kind = vcpu_.execute();
  threaded_.set_alone(false);
  threaded_.leave();
  return kind == ExitKind::None ? CrewStop::Again : stopped(kind);
}

CrewStop SoftMember::stopped(ExitKind kind) { return kind == ExitKind::Hlt ? rest() : ask(kind); }

CrewStop SoftMember::ask(ExitKind kind) {
  vcpu_.leave(kind);
  return CrewStop::Exit;
}

CrewStop SoftMember::rest() {
  const Cpu* cpu = vcpu_.cpu();
  idle_until_ = CrewClock::time_point::max();
  if (cpu->run_state != RunState::Halted || !(cpu->rflags & rflags::IF)) return CrewStop::Dead;
  const u64 deadline = vcpu_.apic().next_deadline(), now = vcpu_.time();
  constexpr u64 longest = u64{3600} * 1'000'000'000;  // then it sleeps again
  const u64 left = deadline > now ? std::min(deadline - now, longest) : 0;
  if (deadline != ~u64{0}) idle_until_ = CrewClock::now() + std::chrono::nanoseconds(left);
  return CrewStop::Idle;
}

}  // namespace tsbhyve::soft
