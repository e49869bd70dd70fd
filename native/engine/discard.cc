// SPDX-License-Identifier: BSD-2-Clause
// Memory that the guest does without for now: the host has it back, and the guest reads zeros there at once.
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "engine/engine.h"
#include "engine/guest_ram.h"

namespace tsbhyve {

namespace {

constexpr std::uint64_t page_bytes = 4096;
/// Shorter spans of a mapped file are filled: each mapping splits another one, and the kernel has 65,530 of them.
constexpr std::uint64_t shortest_mapping = 16 * page_bytes;
constexpr std::uint32_t most_mappings = 8192;

bool is_zero(const std::uint8_t* page) { return page[0] == 0 && std::memcmp(page, page + 1, page_bytes - 1) == 0; }

/// A page of the file that is zero already stays a shared one.
void fill(std::uint8_t* host, std::uint64_t length) {
  for (std::uint64_t at = 0; at < length; at += page_bytes) {
    if (!is_zero(host + at)) std::memset(host + at, 0, page_bytes);
  }
}

void map_zeros_over(std::uint8_t* host, std::uint64_t length) {
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
  if (mmap(host, length, PROT_READ | PROT_WRITE, flags, -1, 0) != host) throw EngineError{errno, "mmap", ""};
}

}  // namespace

void GuestRam::share(std::size_t segment, int fd, std::uint64_t offset) {
  Segment& changed = segments_[segment];
  void* const at = mmap(changed.host, changed.length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
                        static_cast<off_t>(offset));
  if (at != changed.host) throw EngineError{errno, "mmap", "of guest memory"};
  changed.shared = true;
}

void GuestRam::discard(std::uint64_t physical, std::uint64_t length) {
  const auto segment = std::find_if(segments_.begin(), segments_.end(), [&](const Segment& candidate) {
    return physical - candidate.base < candidate.length && length <= candidate.length - (physical - candidate.base);
  });
  if (segment == segments_.end() || segment->read_only || physical % page_bytes != 0 || length % page_bytes != 0) {
    throw std::invalid_argument("only whole pages of one RAM segment can be discarded");
  }
  if (length == 0) return;
  std::uint8_t* const host = segment->host + (physical - segment->base);
  if (segment->shared) {
    fill(host, length);  // the page may be given back only by who has made the file
  } else if (!segment->from_file) {
    if (madvise(host, length, MADV_DONTNEED) != 0) throw EngineError{errno, "madvise", ""};
  } else if (length >= shortest_mapping && segment->mappings_over < most_mappings) {
    // Without its own copy a page of a private mapping is the file's again, so the file has to go.
    map_zeros_over(host, length);
    segment->mappings_over++;
  } else {
    fill(host, length);
  }
}

}  // namespace tsbhyve
