// SPDX-License-Identifier: BSD-2-Clause
#include "snapshot/ram_image.h"

#include <stdexcept>

namespace tsbhyve::snapshot {

RamImage::RamImage(std::span<const std::uint64_t> segment_bytes) {
  for (const std::uint64_t bytes : segment_bytes) add(bytes);
}

RamImage::RamImage(const GuestRam& ram) {
  for (const GuestRam::Segment& segment : ram.segments()) add(segment.length);
}

void RamImage::add(std::uint64_t bytes) {
  if (bytes == 0 || bytes % page_bytes != 0 || bytes > (std::uint64_t{1} << 52)) {
    throw std::invalid_argument("a memory segment must be whole pages");
  }
  const std::uint64_t offset = (file_bytes_ + extent_bytes - 1) & ~(extent_bytes - 1);
  spans_.push_back({pages_, bytes / page_bytes, offset});
  pages_ += bytes / page_bytes;
  file_bytes_ = offset + bytes;
}

std::uint8_t* host_page(const GuestRam& ram, std::uint64_t page) {
  for (const GuestRam::Segment& segment : ram.segments()) {
    if (page - segment.first_page < segment.length / page_bytes) {
      return segment.host + (page - segment.first_page) * page_bytes;
    }
  }
  throw std::invalid_argument("a page outside memory");
}

}  // namespace tsbhyve::snapshot
