// SPDX-License-Identifier: BSD-2-Clause
// VM time of a soft vCPU: from retired instructions (virtual clock) or from the host's monotonic clock (real clock).
#pragma once

#include "soft/types.h"

namespace tsbhyve::soft {

class VmTime {
 public:
  VmTime(bool is_virtual, u32 numerator, u32 denominator) : virtual_(is_virtual), numerator_(numerator), denominator_(denominator) {}

  bool is_virtual() const { return virtual_; }

  /// Nanoseconds when `retired` instructions have been retired.
  u64 at(u64 retired) const {
    if (!virtual_) return held_ ? base_ : host_now() + base_;
    return base_ + static_cast<u64>(elapsed(retired) / denominator_);
  }

  /// Moves VM time to `nanoseconds`; the fraction of a nanosecond starts at zero again.
  void set(u64 nanoseconds, u64 retired) {
    base_ = virtual_ || held_ ? nanoseconds : nanoseconds - host_now();
    base_retired_ = retired;
    remainder_ = 0;
  }

  /// Real clock: time stands still while held. A new machine starts held.
  void hold(bool held) {
    if (virtual_ || held == held_) return;
    base_ = held ? host_now() + base_ : base_ - host_now();
    held_ = held;
  }

  /// Instructions until VM time reaches `deadline`: the least n with at(retired + n) >= deadline.
  u64 instructions_until(u64 deadline, u64 retired) const {
    if (at(retired) >= deadline) return 0;
    const u128 wanted = static_cast<u128>(deadline - base_) * denominator_;
    return static_cast<u64>((wanted - elapsed(retired) + numerator_ - 1) / numerator_);
  }

  /// The three numbers that make the virtual clock exact across a save.
  struct State {
    u64 base, base_retired, remainder;
  };
  State save() const { return {base_, base_retired_, remainder_}; }
  void load(const State& state) {
    base_ = state.base;
    base_retired_ = state.base_retired;
    remainder_ = state.remainder;
  }

 private:
  u128 elapsed(u64 retired) const { return static_cast<u128>(retired - base_retired_) * numerator_ + remainder_; }
  static u64 host_now();

  const bool virtual_;
  const u32 numerator_, denominator_;
  bool held_ = true;
  u64 base_ = 0, base_retired_ = 0, remainder_ = 0;
};

}  // namespace tsbhyve::soft
