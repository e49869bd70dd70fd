// SPDX-License-Identifier: BSD-2-Clause
// The kernel's local APIC as the rows of engine/lapic_state.h, and its timer, which must stand still while VM time
// does.
#pragma once

#include <span>
#include <vector>

#include "kvm/kvm_clock.h"

namespace tsbhyve::kvm {

/// KVM's APIC bus runs at 1 GHz by default: one count is one nanosecond, as in the contract.
///
/// Three things the kernel does not tell: error_pending and external_request read 0, and so does ended_levels (an end
/// of interrupt that has not become an exit). It does not tell either whether a one-shot count that ran out has been
/// delivered: such a timer is reported as running and due, so that a restore repeats the interrupt rather than losing
/// it.
class Lapic {
 public:
  Lapic(const Vcpu& vcpu, const Clock& clock, const GuestTsc& tsc) : vcpu_(vcpu), clock_(clock), tsc_(tsc) {}

  std::vector<std::uint64_t> get() const;
  void set(std::span<const std::uint64_t> rows);
  /// VM time of the timer's next event, or INT64_MAX.
  std::int64_t next_deadline() const;
  /// Around Clock::hold: remembers what is left of a running count, or the deadline, and starts the timer again with
  /// it.
  void before_hold();
  void after_release();

 private:
  kvm_lapic_state read() const;
  void write(kvm_lapic_state state);
  std::uint32_t count_left(const kvm_lapic_state& state) const;
  std::uint64_t deadline() const;

  const Vcpu& vcpu_;
  const Clock& clock_;
  const GuestTsc& tsc_;
  std::uint32_t held_count_ = 0;
  /// The kernel has none meanwhile: it would compare it with a TSC that goes on, and deliver at once where the
  /// processor posts interrupts itself (apic_timer_expired() of Linux).
  std::uint64_t held_deadline_ = 0;
};

}  // namespace tsbhyve::kvm
