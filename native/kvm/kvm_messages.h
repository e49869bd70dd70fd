// SPDX-License-Identifier: BSD-2-Clause
// Interrupt messages into the kernel's LAPIC.
#pragma once

#include <array>
#include <bitset>
#include <mutex>
#include <span>
#include <vector>

#include "kvm/kvm_device.h"

namespace tsbhyve::kvm {

/// With a split irqchip KVM reports the end of a level-triggered interrupt (KVM_EXIT_IOAPIC_EOI) only for vectors that
/// an MSI route of one of the 32 pins names as level-triggered. The engine learns of a pin's message when it is sent,
/// so the route is made then: one a distinct message, the least recently sent giving way.
class Messages {
 public:
  Messages(const Vm& vm, std::size_t vcpus) : vm_(vm), levels_(vcpus + 1) {}
  void send(std::uint64_t address, std::uint32_t data);

  // Ends of level-triggered interrupts. The kernel may know of one and not have told it yet, and has no call to ask: it
  // is what was sent and is neither requested nor in service any more.
  void ended(std::uint8_t vector);
  bool expects_ends(std::size_t vcpu) const;
  bool has_levels() const;
  /// Fills the row ended_levels: what has ended and was not told. `alive` is what any vCPU has requested or in service.
  void get_ends(const std::bitset<256>& alive, std::span<std::uint64_t> lapic_rows) const;
  /// After a restore of a vCPU's LAPIC: which ends are still to come, and which came before it and were not told.
  void set_ends(std::size_t vcpu, std::span<const std::uint64_t> lapic_rows);
  /// Where ring 0 is emulated the kernel forgets an end over a halt. Telling one twice does no harm: the interrupt
  /// comes once more if its line is still asserted. True when there is one to tell.
  bool tell_ends_of_halted(std::size_t vcpu, const std::bitset<256>& alive);
  /// A vector whose end is to be told first, or -1.
  int take_untold();

 private:
  static constexpr std::size_t pins = 32;
  using Vectors = std::bitset<256>;
  struct Route {
    std::uint64_t address, last_sent;
    std::uint32_t data;
  };
  bool deliver(kvm_msi message) const;
  void route(std::uint64_t address, std::uint32_t data);
  void publish();
  Vectors sent() const;
  Vectors& levels_of(const kvm_msi& message);

  const Vm& vm_;
  mutable std::mutex lock_;
  std::vector<Vectors> levels_;  // that a vCPU is to end, and, as the last, those that one of several is
  Vectors untold_;
  std::array<Route, pins> routes_{};
  std::size_t used_ = 0;
  std::uint64_t sent_ = 0;
};

/// What a LAPIC has requested or in service.
std::bitset<256> alive_in(std::span<const std::uint64_t> lapic_rows);

}  // namespace tsbhyve::kvm
