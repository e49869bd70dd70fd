// SPDX-License-Identifier: BSD-2-Clause
// Guest memory as KVM memory slots, and the kernel's dirty log poured into ours.
#pragma once

#include "kvm/kvm_device.h"

namespace tsbhyve::kvm {

/// The kernel keeps a bitmap for each slot. Its rings, one for each vCPU, are not used: a kernel that emulates
/// instructions makes an entry for every store, overruns a ring that nobody can empty meanwhile, and pages are lost.
class Memory {
 public:
  Memory(const Vm& vm, GuestRam* ram) : vm_(vm), ram_(ram) {}

  /// Gives the kernel the segments that it does not have yet.
  void map_new_segments();
  /// From now on the kernel logs writes. Logging stays on: pages cost one fault each after every collect().
  void start_log();
  /// Marks what was written since the last call. No vCPU runs.
  void collect();

 private:
  void set_slot(std::size_t index);
  void collect_slot(std::size_t index);
  void clear(std::size_t slot, std::size_t first_word, std::size_t words, std::uint64_t pages);

  const Vm& vm_;
  GuestRam* ram_;
  std::size_t mapped_ = 0;
  bool logging_ = false;
  std::vector<std::uint64_t> bitmap_;
};

}  // namespace tsbhyve::kvm
