// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_engine.h"

#include <time.h>

#include <algorithm>

#include "kvm/kvm_cpuid.h"

namespace tsbhyve::kvm {

namespace {

/// Longest stay in KVM_RUN, in host nanoseconds.
constexpr std::int64_t slice = 4'000'000;

std::int64_t host_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

KvmEngine::KvmEngine(GuestRam* ram, const EngineOptions& options)
    : vcpu_(vm_),
      clock_(vm_, vcpu_, options.tsc_hz),
      kick_(vcpu_),
      memory_(vm_, ram),
      ram_(ram),
      messages_(vm_),
      lapic_(vcpu_, &clock_),
      registers_(vm_, vcpu_, &kick_),
      exits_(vcpu_, &slot),
      acknowledged_(vcpu_) {
  if (options.vcpus != 1) throw EngineError{0, "kvm", std::to_string(options.vcpus) + " vCPUs: this engine has 1"};
  if (options.virtual_clock)
    throw EngineError{0, "kvm", "the virtual clock needs an engine that counts instructions: soft"};
  has_xsave_ = has_xsave(set_cpuid(vm_, vcpu_, options.cpuid));
  registers_.set_has_xsave(has_xsave_);
  saved_msrs_ = saved_msrs(vm_, vcpu_);
  power_on_.registers.resize(register_count);
  get_registers(RegisterGroup::All, power_on_.registers);
  power_on_.lapic = get_lapic();
  power_on_.fpu = get_xsave();
}

Capabilities KvmEngine::capabilities() const {
  std::string missing;
  const auto lacks = [&missing](const char* what) { missing += (missing.empty() ? "" : ", ") + std::string(what); };
  if (has_xsave_) lacks("AVX and later processor state");
  if (!clock_.moves_tsc()) lacks("the TSC (this /dev/kvm does not move it)");
  return {"kvm", false, false, true, clock_.scalable(), 1'000'000'000, 1, true, missing};
}

Exit KvmEngine::leave(ExitKind kind) {
  halted_ = kind == ExitKind::Hlt;
  slot.kind = static_cast<std::uint32_t>(kind);
  slot.instructions = 0;
  slot.time = time();
  slot.rip = registers_.exit_rip();
  return {kind, 0};
}

/// Gives the kernel the answer to the last exit. True when that exit has a further access, now in the slot.
bool KvmEngine::take_answer() {
  if (awaits_vector_) {
    awaits_vector_ = false;
    acknowledged_.set(static_cast<std::uint8_t>(slot.data));
    return false;
  }
  return exits_.unfinished() && exits_.answer();
}

/// The guest would take an interrupt of the 8259 now. Between instructions only: what KVM said at an unfinished one may
/// be stale.
bool KvmEngine::acknowledges() const {
  return external_interrupt_ && !acknowledged_.waits() && !exits_.unfinished() &&
         vcpu_.run().ready_for_interrupt_injection;
}

bool KvmEngine::writes_rom(ExitKind kind) const {
  if (kind != ExitKind::MmioWrite) return false;
  const GuestRam::Segment* segment = ram_->find(slot.address);
  return segment && segment->read_only;
}

bool KvmEngine::tells_end() {
  const int vector = messages_.take_untold();
  if (vector >= 0) slot.address = static_cast<std::uint64_t>(vector);
  return vector >= 0;
}

Exit KvmEngine::run(std::int64_t deadline) {
  if (take_answer()) return leave(exits_.next());
  kick_.bind();
  memory_.map_new_segments();
  for (;;) {
    if (tells_end()) return leave(ExitKind::Eoi);
    if (kick_.take_wake()) return leave(ExitKind::Woken);
    if (shutdown_) return leave(ExitKind::Shutdown);
    const std::int64_t now = time();
    if (now >= deadline) return leave(ExitKind::Deadline);
    if (acknowledges()) {
      awaits_vector_ = true;
      slot.data = 0;
      return leave(ExitKind::InterruptAcknowledge);
    }
    vcpu_.run().request_interrupt_window = external_interrupt_;
    const std::int64_t host = host_now();
    kick_.arm(host + std::min(deadline - now, slice), host);
    acknowledged_.hand_over(registers_.exit_rip());
    const bool exited = kick_.enter();
    acknowledged_.after_run(registers_.exit_rip());
    exits_.finished();
    if (!exited) return interrupted(deadline);
    const ExitKind kind = exits_.decode();
    shutdown_ = kind == ExitKind::Shutdown;
    if (kind == ExitKind::Eoi) messages_.ended(static_cast<std::uint8_t>(slot.address));
    if (kind != ExitKind::None && !writes_rom(kind)) return leave(kind);
  }
}

/// KVM_RUN ended without an exit: at the end of the slice, at the deadline, by wake() or by a signal of somebody else.
Exit KvmEngine::interrupted(std::int64_t deadline) {
  if (kick_.take_wake()) return leave(ExitKind::Woken);
  if (time() >= deadline) return leave(ExitKind::Deadline);
  if (acknowledges() || !registers_.halted()) return leave(ExitKind::None);
  if (messages_.expects_ends()) messages_.tell_ends_of_halted(lapic_.get());
  if (tells_end()) return leave(ExitKind::Eoi);
  slot.detail = vcpu_.run().if_flag ? 0 : 1;
  return leave(ExitKind::Hlt);
}

Exit KvmEngine::safepoint() {
  if (take_answer()) return leave(exits_.next());
  while (exits_.unfinished()) {
    exits_.finished();
    if (!kick_.finish()) break;
    const ExitKind kind = exits_.decode();
    shutdown_ = kind == ExitKind::Shutdown;
    if (kind == ExitKind::Eoi) messages_.ended(static_cast<std::uint8_t>(slot.address));
    if (kind != ExitKind::None && !writes_rom(kind)) return leave(kind);
  }
  memory_.collect_log();
  return {};
}

void KvmEngine::hold_time(bool held) {
  if (held == clock_.held()) return;
  if (held) lapic_.before_hold();
  clock_.hold(held);
  if (!held) lapic_.after_release();
}

}  // namespace tsbhyve::kvm
