// SPDX-License-Identifier: BSD-2-Clause
#include "soft/lockstep/ram_copy.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/engine.h"

namespace tsbhyve::soft {

RamCopy::RamCopy(GuestRam* ram, std::function<void()> log_taken)
    : ram_(ram), log_taken_(std::move(log_taken)), bitmap_((ram->page_count() + 7) / 8) {
  if (!ram_->open_client(client_)) throw EngineError{0, "lockstep", "the dirty log has 8 clients already"};
}

RamCopy::~RamCopy() { ram_->close_client(client_); }

u8* RamCopy::host_of(u64 page) const {
  for (const GuestRam::Segment& segment : ram_->segments()) {
    const u64 in_segment = page - segment.first_page;
    if (in_segment < segment.length / page_size) return segment.host + in_segment * page_size;
  }
  return nullptr;
}

u64 RamCopy::physical_of(u64 page) const {
  for (const GuestRam::Segment& segment : ram_->segments()) {
    const u64 in_segment = page - segment.first_page;
    if (in_segment < segment.length / page_size) return segment.base + in_segment * page_size;
  }
  return 0;
}

void RamCopy::take() {
  std::fill(bitmap_.begin(), bitmap_.end(), u8{0});
  ram_->take(client_, bitmap_.data());
  log_taken_();
  taken_.clear();
  for (u64 byte = 0; byte < bitmap_.size(); byte++) {
    for (u32 bits = bitmap_[byte]; bits; bits &= bits - 1) {
      taken_.push_back(byte * 8 + static_cast<u64>(__builtin_ctz(bits)));
    }
  }
}

void RamCopy::copy(u64 page) { std::memcpy(pages_.data() + page * page_size, host_of(page), page_size); }

void RamCopy::follow() {
  take();
  if (!pages_.empty()) {
    for (const u64 page : taken_) copy(page);
    return;
  }
  pages_.resize(ram_->page_count() * page_size);
  for (u64 page = 0; page < ram_->page_count(); page++) copy(page);
}

PageContents RamCopy::written() {
  take();
  PageContents pages;
  for (const u64 page : taken_) {
    const u8* const at = host_of(page);
    pages.emplace(page, std::vector<u8>(at, at + page_size));
  }
  return pages;
}

void RamCopy::put_back(const PageContents& pages, const std::function<void(u64 physical)>& restored) {
  for (const auto& [page, content] : pages) {
    std::memcpy(host_of(page), pages_.data() + page * page_size, page_size);
    restored(physical_of(page));
  }
}

void RamCopy::keep(const PageContents& pages) {
  for (const auto& [page, unused] : pages) copy(page);
}

const u8* RamCopy::content(const PageContents& pages, u64 page) const {
  const auto found = pages.find(page);
  return found == pages.end() ? pages_.data() + page * page_size : found->second.data();
}

bool RamCopy::differs(const PageContents& here, const PageContents& there, u64& physical) const {
  for (const PageContents* some : {&here, &there}) {
    for (const auto& [page, unused] : *some) {
      const u8 *const left = content(here, page), *const right = content(there, page);
      if (std::memcmp(left, right, page_size) == 0) continue;
      const u8* const at = std::mismatch(left, left + page_size, right).first;
      physical = physical_of(page) + static_cast<u64>(at - left);
      return true;
    }
  }
  return false;
}

}  // namespace tsbhyve::soft
