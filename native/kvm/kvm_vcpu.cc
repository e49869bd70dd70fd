// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_vcpu.h"

#include <time.h>

#include <algorithm>

#include "kvm/kvm_events.h"
#include "kvm/kvm_rows.h"

namespace tsbhyve::kvm {

namespace {

/// Longest stay in KVM_RUN of a guest that is not known to sleep, in host nanoseconds.
constexpr std::int64_t slice = 4'000'000;
/// How often one that sleeps is looked at again: the kernel does not say that it has woken it.
constexpr std::int64_t long_slice = 500'000'000;

std::int64_t host_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

ExitKind KvmVcpu::leave(ExitKind kind) {
  halted_ = kind == ExitKind::Hlt;
  asked_.kind = static_cast<std::uint32_t>(kind);
  asked_.time = all_.clock.time();
  asked_.rip = registers_.exit_rip();
  return kind;
}

ExitKind KvmVcpu::present() {
  asked_.deadline = slot.deadline;
  slot = asked_;
  return static_cast<ExitKind>(slot.kind);
}

/// Gives the kernel the answer to the last exit. True when that exit has a further access, now in the slot.
bool KvmVcpu::take_answer() {
  asked_.data = slot.data;
  asked_.refused = slot.refused;
  if (awaits_vector_) {
    awaits_vector_ = false;
    acknowledged_.set(static_cast<std::uint8_t>(slot.data));
    return false;
  }
  return exits_.unfinished() && exits_.answer();
}

/// The guest would take an interrupt of the 8259 now. Between instructions only: what KVM said at an unfinished one may
/// be stale.
bool KvmVcpu::acknowledges() const {
  return all_.external_interrupt && !acknowledged_.waits() && !exits_.unfinished() &&
         vcpu_.run().ready_for_interrupt_injection;
}

ExitKind KvmVcpu::acknowledge() {
  awaits_vector_ = true;
  asked_.data = 0;
  return leave(ExitKind::InterruptAcknowledge);
}

bool KvmVcpu::writes_rom(ExitKind kind) const {
  if (kind != ExitKind::MmioWrite) return false;
  const GuestRam::Segment* segment = all_.ram.find(asked_.address);
  return segment && segment->read_only;
}

bool KvmVcpu::tells_end() {
  const int vector = all_.messages.take_untold();
  if (vector >= 0) asked_.address = static_cast<std::uint64_t>(vector);
  return vector >= 0;
}

void KvmVcpu::arm(std::int64_t nanoseconds) {
  const std::int64_t now = host_now();
  kick_.arm(now + nanoseconds, now);
}

/// One stay in KVM_RUN. None: the device model is not needed.
ExitKind KvmVcpu::enter() {
  vcpu_.run().request_interrupt_window = all_.external_interrupt;
  if (nmi_.exchange(false) && !waits_for_start({registers_.mp_state()})) TSBHYVE_KVM(vcpu_.fd(), KVM_NMI, 0);
  acknowledged_.hand_over(registers_.exit_rip());
  exited_ = kick_.enter();
  acknowledged_.after_run(registers_.exit_rip());
  return asks_after(exited_);
}

ExitKind KvmVcpu::asks_after(bool exited) {
  exits_.finished();
  if (!exited) return ExitKind::None;
  const ExitKind kind = exits_.decode();
  shutdown_ = kind == ExitKind::Shutdown;
  if (kind == ExitKind::Eoi) all_.messages.ended(static_cast<std::uint8_t>(asked_.address));
  return writes_rom(kind) ? ExitKind::None : kind;
}

CrewStop KvmVcpu::run() {
  const auto asks = [this](ExitKind kind) {
    leave(kind);
    return CrewStop::Exit;
  };
  doze_ = Doze::No;
  if (take_answer()) return asks(exits_.next());
  for (;;) {
    // An instruction that waits for its answer is finished first: KVM_RUN does it even when it is to stop at once.
    if (!exits_.unfinished()) {
      if (tells_end()) return asks(ExitKind::Eoi);
      if (kick_.take_wake()) return CrewStop::Again;
      if (shutdown_) {
        doze_ = Doze::Dead;
        return CrewStop::Dead;
      }
      if (acknowledges()) {
        acknowledge();
        return CrewStop::Exit;
      }
    }
    arm(doze_ == Doze::No ? slice : long_slice);
    const ExitKind kind = enter();
    if (exited_) doze_ = Doze::No;
    if (kind != ExitKind::None) return asks(kind);
    if (!exited_ && !acknowledges()) doze_ = looks_asleep();
  }
}

/// At the end of a stay that no exit has ended.
Doze KvmVcpu::looks_asleep() {
  const std::uint32_t state = registers_.mp_state();
  if (state == KVM_MP_STATE_RUNNABLE) return Doze::No;
  if (all_.messages.expects_ends(index_) && all_.messages.tell_ends_of_halted(index_, requested())) return Doze::No;
  return state == KVM_MP_STATE_HALTED && vcpu_.run().if_flag ? Doze::Halted : Doze::Dead;
}

/// An NMI may have come for it meanwhile.
bool KvmVcpu::is_dead() {
  if (acknowledges() || looks_asleep() != Doze::Dead) return false;
  std::vector<std::uint64_t> events(register_count);
  get_registers(RegisterGroup::Events, events);
  return events[row(Register::nmi_pending)] == 0;
}

ExitKind KvmVcpu::run_here(std::int64_t deadline) {
  go_on(deadline);
  return present();
}

ExitKind KvmVcpu::go_on(std::int64_t deadline) {
  if (take_answer()) return leave(exits_.next());
  kick_.bind();
  const std::int64_t end = host_now() + slice;
  do {
    if (tells_end()) return leave(ExitKind::Eoi);
    if (kick_.take_wake()) return leave(ExitKind::Woken);
    if (shutdown_) return leave(ExitKind::Shutdown);
    const std::int64_t now = all_.clock.time();
    if (now >= deadline) return leave(ExitKind::Deadline);
    if (acknowledges()) return acknowledge();
    arm(std::min(deadline - now, slice));
    const ExitKind kind = enter();
    if (!exited_) return interrupted(deadline);
    if (kind != ExitKind::None) return leave(kind);
  } while (host_now() < end);  // exits that need nobody may follow each other for ever
  return leave(ExitKind::None);
}

/// KVM_RUN ended without an exit: at the end of the slice, at the deadline, by wake() or by a signal of somebody else.
ExitKind KvmVcpu::interrupted(std::int64_t deadline) {
  if (kick_.take_wake()) return leave(ExitKind::Woken);
  if (all_.clock.time() >= deadline) return leave(ExitKind::Deadline);
  const Doze doze = acknowledges() ? Doze::No : looks_asleep();
  if (tells_end()) return leave(ExitKind::Eoi);
  if (doze == Doze::No) return leave(ExitKind::None);
  asked_.detail = doze == Doze::Dead;
  return leave(ExitKind::Hlt);
}

ExitKind KvmVcpu::safepoint_here() {
  const ExitKind kind = finish_exit();
  return kind == ExitKind::None ? kind : present();
}

ExitKind KvmVcpu::finish_exit() {
  if (take_answer()) return leave(exits_.next());
  while (exits_.unfinished()) {
    exits_.finished();
    const bool exited = kick_.finish();
    const ExitKind kind = asks_after(exited);
    if (kind != ExitKind::None) return leave(kind);
    if (!exited) break;
  }
  return ExitKind::None;
}

}  // namespace tsbhyve::kvm
