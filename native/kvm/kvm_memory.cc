// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_memory.h"

#include <algorithm>
#include <bit>

namespace tsbhyve::kvm {

namespace {
constexpr std::uint64_t page_bytes = 4096;
}

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

void Memory::collect() {
  if (!logging_) return;
  for (std::size_t index = 0; index < mapped_; index++) {
    if (!ram_->segments()[index].read_only) collect_slot(index);
  }
}

void Memory::collect_slot(std::size_t index) {
  const GuestRam::Segment& segment = ram_->segments()[index];
  const std::uint64_t pages = segment.length / page_bytes;
  bitmap_.assign((pages + 63) / 64, 0);
  kvm_dirty_log log{};
  log.slot = static_cast<__u32>(index);
  log.dirty_bitmap = bitmap_.data();
  TSBHYVE_KVM(vm_.fd(), KVM_GET_DIRTY_LOG, &log);
  std::size_t run = 0;  // words with bits, up to the present one
  for (std::size_t word = 0; word < bitmap_.size(); word++) {
    for (std::uint64_t bits = bitmap_[word]; bits != 0; bits &= bits - 1) {
      ram_->mark_dirty(segment.first_page + word * 64 + static_cast<unsigned>(std::countr_zero(bits)));
    }
    if (bitmap_[word] != 0) {
      run++;
    } else {
      clear(index, word - run, run, pages);
      run = 0;
    }
  }
  clear(index, bitmap_.size() - run, run, pages);
}

/// Until then pages stay writable and dirty.
void Memory::clear(std::size_t slot, std::size_t first_word, std::size_t words, std::uint64_t pages) {
  if (words == 0 || !vm_.clears_dirty_log()) return;
  kvm_clear_dirty_log request{};
  request.slot = static_cast<__u32>(slot);
  request.first_page = first_word * 64;
  request.num_pages = static_cast<__u32>(std::min(words * 64, pages - first_word * 64));
  request.dirty_bitmap = bitmap_.data() + first_word;
  TSBHYVE_KVM(vm_.fd(), KVM_CLEAR_DIRTY_LOG, &request);
}

}  // namespace tsbhyve::kvm
