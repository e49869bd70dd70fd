// SPDX-License-Identifier: BSD-2-Clause
// Interrupts and exceptions on their way to the guest's handler.
#pragma once

#include <optional>

#include "kvm/kvm_device.h"

namespace tsbhyve::kvm {

/// The vector that the 8259 gave. It stays here until KVM_RUN is entered: what the kernel has been told it neither
/// shows nor gives back.
class AcknowledgedVector {
 public:
  explicit AcknowledgedVector(const Vcpu& vcpu) : vcpu_(vcpu) {}

  bool waits() const { return waiting_.has_value(); }
  void set(std::uint8_t vector);
  /// Right before KVM_RUN.
  void hand_over(std::uint64_t rip);
  /// KVM_RUN ended at `rip`. Where it ended before the guest ran, the kernel still keeps the vector: the guest then
  /// stands where it stood, with interrupts on, and the kernel takes no other vector.
  void after_run(std::uint64_t rip);
  void forget() { waiting_.reset(), kept_.reset(); }
  /// What the guest is still to take.
  std::optional<std::uint8_t> pending() const { return waiting_ ? waiting_ : kept_; }

 private:
  const Vcpu& vcpu_;
  std::optional<std::uint8_t> waiting_, kept_;
  std::uint64_t rip_ = 0;  // where the guest stood when the vector was handed over
};

/// What must reach its handler before the next instruction: KVM alone has names for it. Empty when there is nothing.
std::vector<std::uint8_t> get_delivery(const Vcpu& vcpu, const AcknowledgedVector& acknowledged);
/// After the registers. Throws std::invalid_argument for bytes that get_delivery() does not make.
void set_delivery(const Vcpu& vcpu, std::span<const std::uint8_t> bytes);

}  // namespace tsbhyve::kvm
