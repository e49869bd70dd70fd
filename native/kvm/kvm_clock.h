// SPDX-License-Identifier: BSD-2-Clause
// VM time of a KVM machine: the guest's own TSC divided by its frequency, so that a guest which compares the two finds
// them in step.
#pragma once

#include "kvm/kvm_device.h"

namespace tsbhyve::kvm {

/// A new clock is held at 0. While it is held VM time stands still. `time` may be asked on any thread; what changes it
/// needs vCPUs that do not run.
class Clock {
 public:
  /// `tsc_hz` 0 takes the host's own rate. Throws EngineError when the host can not give the rate.
  Clock(const Vm& vm, const Vcpu& first, std::uint64_t tsc_hz);

  std::int64_t time() const;
  void set_time(std::int64_t nanoseconds);
  bool held() const { return held_; }
  void hold(bool held);

  /// The host's TSC at the guests' rate: now, or when the clock was held. All vCPUs see this plus an offset of theirs.
  std::uint64_t ticks() const { return held_ ? then_ : host_ticks(); }
  /// The same, when the clock was last held or released.
  std::uint64_t ticks_then() const { return then_; }
  /// Of the guest's TSC in a time.
  std::uint64_t ticks_in(std::int64_t nanoseconds) const;
  /// Nanoseconds that `ticks` of the guest's TSC take, rounded up.
  std::int64_t nanoseconds(std::uint64_t ticks) const;

  bool scalable() const { return scalable_; }
  /// What KVM_SET_TSC_KHZ is to be told, or 0: the host's rate.
  std::uint64_t scaled_khz() const { return scaled_ ? tsc_hz_ / 1000 : 0; }

 private:
  std::uint64_t host_ticks() const;
  std::int64_t time_at(std::uint64_t stamp) const;

  const Vcpu& first_;
  std::uint64_t tsc_hz_;
  std::uint64_t rate_;  // of the host's TSC as VM time counts it
  bool scalable_, scaled_ = false;
  bool held_ = true;
  std::int64_t base_ = 0;  // VM time at base_stamp_, or the VM time that is held
  std::uint64_t base_stamp_ = 0;
  std::uint64_t then_ = 0;
};

/// The TSC of one vCPU. It stands still while the clock is held: the kernel's offset is moved back at the release, for
/// all vCPUs against the same instant. What the guest writes to its TSC changes that offset and never VM time.
class GuestTsc {
 public:
  GuestTsc(const Vcpu& vcpu, const Clock& clock);

  std::uint64_t value() const;
  /// TSC = VM time x frequency + adjustment (IA32_TSC_ADJUST).
  void adjust(std::uint64_t adjustment) { set(clock_.ticks_in(clock_.time()) + adjustment); }
  void move(std::uint64_t by);
  /// The clock is held from now on, or no longer.
  void after_hold();
  void after_release();
  /// Some /dev/kvm accept an offset and ignore it: the guest then sees the host's TSC, pauses included.
  bool can_move() const { return can_move_; }

 private:
  void set(std::uint64_t value);
  std::uint64_t offset() const;
  void set_offset(std::uint64_t value);

  const Vcpu& vcpu_;
  const Clock& clock_;
  bool can_move_ = true;
  std::uint64_t held_ = 0;
};

/// The TSC rate of a vCPU without scaling, in Hz.
std::uint64_t host_tsc_hz(const Vcpu& vcpu);

}  // namespace tsbhyve::kvm
