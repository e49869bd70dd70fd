// SPDX-License-Identifier: BSD-2-Clause
// Interrupt messages into the kernel's LAPIC.
#pragma once

#include <array>
#include <bitset>
#include <span>

#include "kvm/kvm_device.h"

namespace tsbhyve::kvm {

/// With a split irqchip KVM reports the end of a level-triggered interrupt (KVM_EXIT_IOAPIC_EOI) only for vectors that
/// an MSI route of one of the 32 pins names as level-triggered. The engine learns of a pin's message when it is sent,
/// so the route is made then: one a distinct message, the least recently sent giving way.
class Messages {
 public:
  explicit Messages(const Vm& vm) : vm_(vm) {}
  void send(std::uint64_t address, std::uint32_t data);

  // Ends of level-triggered interrupts. The kernel may know of one and not have told it yet, and has no call to ask: it
  // is what was sent and is neither requested nor in service any more.
  void ended(std::uint8_t vector) { sent_levels_.reset(vector); }
  /// Fills the row ended_levels.
  void get_ends(std::span<std::uint64_t> lapic_rows) const;
  /// After a restore: which ends are still to come, and which came before it and were not told.
  void set_ends(std::span<const std::uint64_t> lapic_rows);
  /// Where ring 0 is emulated the kernel forgets an end over a halt. Telling one twice does no harm: the interrupt
  /// comes once more if its line is still asserted.
  void tell_ends_of_halted(std::span<const std::uint64_t> lapic_rows);
  bool expects_ends() const { return sent_levels_.any(); }
  /// A vector whose end is to be told first, or -1.
  int take_untold();

 private:
  static constexpr std::size_t pins = 32;
  struct Route {
    std::uint64_t address, last_sent;
    std::uint32_t data;
  };
  void route(std::uint64_t address, std::uint32_t data);
  void publish();
  using Vectors = std::bitset<256>;
  Vectors sent_levels_, untold_;

  const Vm& vm_;
  std::array<Route, pins> routes_{};
  std::size_t used_ = 0;
  std::uint64_t sent_ = 0;
};

}  // namespace tsbhyve::kvm
