// SPDX-License-Identifier: BSD-2-Clause
#include "engine/guest_ram.h"

#include <sys/mman.h>

#include <new>
#include <stdexcept>

namespace tsbhyve {

namespace {
constexpr std::uint64_t page_bytes = 4096;
constexpr std::size_t max_segments = 16;
}  // namespace

GuestRam::~GuestRam() {
  for (const Segment& segment : segments_) munmap(segment.host, segment.length);
}

const GuestRam::Segment& GuestRam::add_segment(std::uint64_t base, std::uint64_t length, bool read_only) {
  if (length == 0 || base % page_bytes != 0 || length % page_bytes != 0 || base + length < base) {
    throw std::invalid_argument("a memory segment must start and end on a 4 KiB page");
  }
  if (segments_.size() == max_segments) throw std::invalid_argument("more than 16 memory segments");
  for (const Segment& other : segments_) {
    if (base < other.base + other.length && other.base < base + length)
      throw std::invalid_argument("memory segments overlap");
  }
  // What may fail for want of memory comes first: then nothing has changed.
  segments_.reserve(max_segments);  // callers hold pointers into it
  attention_.reserve(pages_ + length / page_bytes);
  dirty_.reserve(pages_ + length / page_bytes);
  holders_.reserve(pages_ + length / page_bytes);
  void* host = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (host == MAP_FAILED) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  madvise(host, length, MADV_HUGEPAGE);  // advice only: a refusal changes nothing but speed
#endif
  segments_.push_back({base, length, static_cast<std::uint8_t*>(host), pages_, read_only, false, 0});
  pages_ += length / page_bytes;
  attention_.resize(pages_, read_only ? page_read_only : 0);
  dirty_.resize(pages_, 0);
  holders_.resize(pages_, 0);
  return segments_.back();
}

void GuestRam::mark_dirty(std::uint64_t physical, std::uint64_t length) {
  for_each_part(physical, length, [this](std::uint64_t start, std::uint64_t size) {
    const std::uint64_t first = page_index(start), last = page_index(start + size - 1);
    for (std::uint64_t page = first; page <= last; page++) mark_dirty(page);
  });
}

bool GuestRam::open_client(unsigned& client) {
  for (unsigned candidate = 0; candidate < 8; candidate++) {
    const auto bit = static_cast<std::uint8_t>(1u << candidate);
    if (clients_ & bit) continue;
    clients_ |= bit;
    for (std::uint64_t page = 0; page < pages_; page++) {
      if (load(dirty_[page]) & bit) clear(dirty_[page], bit);
      if (!(load(attention_[page]) & page_unlogged)) set(attention_[page], page_unlogged);
    }
    client = candidate;
    return true;
  }
  return false;
}

void GuestRam::close_client(unsigned client) {
  clients_ &= static_cast<std::uint8_t>(~(1u << client));
  for (std::uint64_t page = 0; page < pages_; page++) {
    if ((load(dirty_[page]) & clients_) == clients_) clear(attention_[page], page_unlogged);
  }
}

void GuestRam::take(unsigned client, std::uint8_t* bitmap) {
  const auto bit = static_cast<std::uint8_t>(1u << client);
  for (std::uint64_t page = 0; page < pages_; page++) {
    if (!(load(dirty_[page]) & bit)) continue;
    bitmap[page / 8] |= static_cast<std::uint8_t>(1u << (page % 8));
    clear(dirty_[page], bit);
    set(attention_[page], page_unlogged);
  }
}

}  // namespace tsbhyve
