// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_memory.h"

#include <bit>

namespace tsbhyve::kvm {

void Memory::set_slot(std::size_t index) {
  const GuestRam::Segment& segment = ram_->segments()[index];
  kvm_userspace_memory_region region{};
  region.slot = static_cast<__u32>(index);
  region.guest_phys_addr = segment.base;
  region.memory_size = segment.length;
  region.userspace_addr = reinterpret_cast<std::uintptr_t>(segment.host);
  if (segment.read_only)
    region.flags = KVM_MEM_READONLY;
  else if (logging_)
    region.flags = KVM_MEM_LOG_DIRTY_PAGES;
  TSBHYVE_KVM(vm_.fd(), KVM_SET_USER_MEMORY_REGION, &region);
}

void Memory::map_new_segments() {
  while (mapped_ < ram_->segments().size()) set_slot(mapped_++);
}

void Memory::start_log() {
  map_new_segments();
  if (logging_) return;
  logging_ = true;
  for (std::size_t index = 0; index < mapped_; index++) {
    if (!ram_->segments()[index].read_only) set_slot(index);
  }
}

void Memory::collect_log() {
  if (!logging_) return;
  for (std::size_t index = 0; index < mapped_; index++) {
    const GuestRam::Segment& segment = ram_->segments()[index];
    if (segment.read_only) continue;
    bitmap_.assign((segment.length / 4096 + 63) / 64, 0);
    kvm_dirty_log log{};
    log.slot = static_cast<__u32>(index);
    log.dirty_bitmap = bitmap_.data();
    TSBHYVE_KVM(vm_.fd(), KVM_GET_DIRTY_LOG, &log);
    for (std::size_t word = 0; word < bitmap_.size(); word++) {
      for (std::uint64_t bits = bitmap_[word]; bits != 0; bits &= bits - 1) {
        ram_->mark_dirty(segment.first_page + word * 64 + static_cast<unsigned>(std::countr_zero(bits)));
      }
    }
  }
}

}  // namespace tsbhyve::kvm
