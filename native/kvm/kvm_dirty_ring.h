// SPDX-License-Identifier: BSD-2-Clause
// A vCPU's ring of pages that it has written (Linux: Documentation/virt/kvm/api.rst, 8.29).
#pragma once

#include "kvm/kvm_device.h"

namespace tsbhyve::kvm {

class DirtyRing {
 public:
  /// Of no length where the kernel keeps bitmaps.
  DirtyRing(const Vm& vm, const Vcpu& vcpu);
  ~DirtyRing();
  DirtyRing(const DirtyRing&) = delete;
  DirtyRing& operator=(const DirtyRing&) = delete;

  /// Calls `visit(slot, page)` for what was written since the last time, and tells how many there were. Those pages are
  /// seen again after KVM_RESET_DIRTY_RINGS. By one thread at a time.
  template <class Visit>
  std::size_t harvest(Visit visit) {
    std::size_t count = 0;
    for (; entries_ != nullptr; next_++, count++) {
      kvm_dirty_gfn& entry = entries_[next_ % length_];
      if ((__atomic_load_n(&entry.flags, __ATOMIC_ACQUIRE) & KVM_DIRTY_GFN_F_DIRTY) == 0) break;
      visit(entry.slot, entry.offset);
      __atomic_store_n(&entry.flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
    }
    return count;
  }

 private:
  kvm_dirty_gfn* entries_ = nullptr;
  std::uint32_t length_;
  std::uint32_t next_ = 0;
};

}  // namespace tsbhyve::kvm
