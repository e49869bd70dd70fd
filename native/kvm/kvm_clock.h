// SPDX-License-Identifier: BSD-2-Clause
// VM time of a KVM vCPU: the guest's own TSC divided by its frequency, so that a guest which compares the two finds
// them in step.
#pragma once

#include "kvm/kvm_device.h"

namespace tsbhyve::kvm {

/// A new clock is held at 0. While it is held both VM time and the TSC stand still for the guest: the kernel's TSC
/// offset is moved back at the release. What the guest writes to its TSC changes that offset and never VM time.
class Clock {
 public:
  /// `tsc_hz` 0 takes the host's own rate. Throws EngineError when the host can not give the rate.
  Clock(const Vm& vm, const Vcpu& vcpu, std::uint64_t tsc_hz);

  std::int64_t time() const;
  void set_time(std::int64_t nanoseconds);  // the TSC moves along
  bool held() const { return held_; }
  void hold(bool held);

  std::uint64_t guest_tsc() const { return held_ ? held_tsc_ : host_ticks() + offset(); }
  /// TSC = VM time x frequency + adjustment (IA32_TSC_ADJUST).
  void adjust_tsc(std::uint64_t adjustment) { set_guest_tsc(ticks(time()) + adjustment); }
  /// Nanoseconds that `ticks` of the guest's TSC take, rounded up.
  std::int64_t nanoseconds(std::uint64_t ticks) const;
  bool scalable() const { return scalable_; }
  /// Some /dev/kvm accept an offset and ignore it: the guest then sees the host's TSC, pauses included.
  bool moves_tsc() const { return moves_tsc_; }

 private:
  std::uint64_t ticks(std::int64_t nanoseconds) const;
  void set_guest_tsc(std::uint64_t value);
  std::uint64_t host_ticks() const;  // the host's TSC at the guest's rate
  std::uint64_t offset() const;
  void set_offset(std::uint64_t value);

  const Vcpu& vcpu_;
  std::uint64_t tsc_hz_;
  bool scalable_, scaled_ = false, moves_tsc_ = true;
  bool held_ = true;
  std::int64_t base_ = 0;  // VM time at base_ticks_, or the VM time that is held
  std::uint64_t base_ticks_ = 0;
  std::uint64_t held_tsc_ = 0;
};

/// The TSC rate of a vCPU without scaling, in Hz.
std::uint64_t host_tsc_hz(const Vcpu& vcpu);

}  // namespace tsbhyve::kvm
