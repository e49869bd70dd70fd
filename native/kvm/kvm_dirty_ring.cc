// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_dirty_ring.h"

#include <sys/mman.h>

namespace tsbhyve::kvm {

namespace {
constexpr long page_bytes = 4096;
}

DirtyRing::DirtyRing(const Vm& vm, const Vcpu& vcpu)
    : length_(static_cast<std::uint32_t>(vm.dirty_ring_bytes() / sizeof(kvm_dirty_gfn))) {
  if (length_ == 0) return;
  void* ring = mmap(nullptr, vm.dirty_ring_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu.fd(),
                    KVM_DIRTY_LOG_PAGE_OFFSET * page_bytes);
  if (ring == MAP_FAILED) throw EngineError{errno, "mmap", "the vCPU's ring of dirty pages"};
  entries_ = static_cast<kvm_dirty_gfn*>(ring);
}

DirtyRing::~DirtyRing() {
  if (entries_) munmap(entries_, length_ * sizeof(kvm_dirty_gfn));
}

}  // namespace tsbhyve::kvm
