// SPDX-License-Identifier: BSD-2-Clause
// Guest memory as KVM memory slots, and the kernel's dirty log poured into ours.
#pragma once

#include "kvm/kvm_device.h"

namespace tsbhyve::kvm {

class Memory {
 public:
  Memory(const Vm& vm, GuestRam* ram) : vm_(vm), ram_(ram) {}

  /// Gives the kernel the segments that it does not have yet.
  void map_new_segments();
  /// From now on the kernel logs writes. Logging stays on: pages cost one fault each after every collect().
  void start_log();
  /// Marks every page that the vCPU wrote since the last call. At a safepoint.
  void collect_log();

 private:
  void set_slot(std::size_t index);

  const Vm& vm_;
  GuestRam* ram_;
  std::size_t mapped_ = 0;
  bool logging_ = false;
  std::vector<std::uint64_t> bitmap_;
};

}  // namespace tsbhyve::kvm
