// SPDX-License-Identifier: BSD-2-Clause
// Guest memory as KVM memory slots, and the kernel's dirty log poured into ours.
#pragma once

#include <mutex>
#include <span>

#include "kvm/kvm_dirty_ring.h"

namespace tsbhyve::kvm {

/// Where the kernel has rings, each vCPU logs into its own, and tells with an exit of its own when that is nearly full;
/// else the kernel keeps a bitmap a slot.
class Memory {
 public:
  Memory(const Vm& vm, GuestRam* ram) : vm_(vm), ram_(ram) {}

  /// Gives the kernel the segments that it does not have yet.
  void map_new_segments();
  /// From now on the kernel logs writes. Logging stays on: pages cost one fault each after every collect().
  void start_log();
  /// Marks what the vCPUs with these rings wrote since the last call; they do not run meanwhile. Any thread.
  void empty(std::span<DirtyRing* const> rings);
  /// The same where there are no rings. No vCPU runs.
  void collect_bitmaps();

 private:
  void set_slot(std::size_t index);
  void collect_slot(std::size_t index);
  void clear(std::size_t slot, std::size_t first_word, std::size_t words, std::uint64_t pages);

  const Vm& vm_;
  GuestRam* ram_;
  std::size_t mapped_ = 0;
  bool logging_ = false;
  std::vector<std::uint64_t> bitmap_;
  std::mutex rings_;  // guards harvests and their resets against those of other vCPUs
};

}  // namespace tsbhyve::kvm
