// SPDX-License-Identifier: BSD-2-Clause
// How guest memory lies in a file: every page has its own place, so that full and incremental files have one layout and
// a full one can be mapped. Pages that are zero or not part of the snapshot are holes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/guest_ram.h"

namespace tsbhyve::snapshot {

inline constexpr std::uint64_t page_bytes = 4096;
/// Segments start at multiples of this, which every host's page size divides.
inline constexpr std::uint64_t extent_bytes = 64 * 1024;
/// The most that one read or write moves, and that a buffer holds.
inline constexpr std::uint64_t run_pages = 256;

class RamImage {
 public:
  struct Span {
    std::uint64_t first_page, pages, offset;
  };

  explicit RamImage(std::span<const std::uint64_t> segment_bytes);
  explicit RamImage(const GuestRam& ram);

  std::uint64_t pages() const { return pages_; }
  std::uint64_t file_bytes() const { return file_bytes_; }
  const std::vector<Span>& spans() const { return spans_; }

  /// Calls `visit(first_page, pages, file_offset)` for the runs of at most `limit` pages that `wanted` accepts.
  template <class Wanted, class Visit>
  void for_each_run(std::uint64_t limit, Wanted wanted, Visit visit) const {
    for (const Span& span : spans_) {
      const std::uint64_t end = span.first_page + span.pages;
      for (std::uint64_t page = span.first_page; page < end;) {
        if (!wanted(page)) {
          page++;
          continue;
        }
        const std::uint64_t first = page;
        const std::uint64_t stop = std::min(end, first + limit);
        while (page < stop && wanted(page)) page++;
        visit(first, page - first, span.offset + (first - span.first_page) * page_bytes);
      }
    }
  }

 private:
  void add(std::uint64_t bytes);

  std::vector<Span> spans_;
  std::uint64_t pages_ = 0, file_bytes_ = 0;
};

/// Host address of a page by its index.
std::uint8_t* host_page(const GuestRam& ram, std::uint64_t page);

}  // namespace tsbhyve::snapshot
