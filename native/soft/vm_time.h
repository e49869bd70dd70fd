// SPDX-License-Identifier: BSD-2-Clause
// VM time of a soft vCPU: from retired instructions (virtual clock) or from the host's monotonic clock (real clock).
#pragma once

#include "soft/types.h"

namespace tsbhyve::soft {

class VmTime {
 public:
  VmTime(bool is_virtual, u32 numerator, u32 denominator)
      : virtual_(is_virtual), numerator_(numerator), denominator_(denominator) {}

  bool is_virtual() const { return virtual_; }

  /// Nanoseconds when `retired` instructions have been retired.
  u64 at(u64 retired) const {
    if (!virtual_) return held_ ? base_ : host_now() + base_;
    if (numerator_ == denominator_) return base_ + (retired - base_retired_);  // without a division
    return base_ + static_cast<u64>(elapsed(retired) / denominator_);
  }

  /// Moves VM time to `nanoseconds`; the fraction of a nanosecond starts at zero again, unless time is there already.
  void set(u64 nanoseconds, u64 retired) {
    if (virtual_ && nanoseconds == at(retired)) return;
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

  /// Instructions until VM time reaches `deadline`: the least n with at(retired + n) >= deadline, or the greatest u64.
  u64 instructions_until(u64 deadline, u64 retired) const {
    const u64 now = at(retired);
    if (now >= deadline) return 0;
    if (numerator_ == denominator_) return deadline - now;
    const u128 wanted = static_cast<u128>(deadline - base_) * denominator_;
    const u128 instructions = (wanted - elapsed(retired) + numerator_ - 1) / numerator_;
    return instructions > ~u64{0} ? ~u64{0} : static_cast<u64>(instructions);
  }

  /// The three numbers that make the virtual clock exact across a save.
  struct State {
    u64 base, base_retired, remainder;
  };
  State save() const { return {base_, base_retired_, remainder_}; }
  /// Whether `state` is one that this clock can have after `retired` instructions.
  bool is_possible(const State& state, u64 retired) const {
    constexpr u64 limit = u64{1} << 62;  // far beyond any run, far from where sums would wrap
    if (retired >= limit) return false;
    return !virtual_ || (state.base < limit && state.base_retired <= retired && state.remainder < denominator_);
  }
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
