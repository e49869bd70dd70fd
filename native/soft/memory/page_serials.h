// SPDX-License-Identifier: BSD-2-Clause
// Numbers for mappings of pages with code. A page that leaves the TLB and comes back as it was has its old number
// again, and what the jump cache knows of it holds again.
#pragma once

#include <limits>
#include <vector>

#include "soft/types.h"

namespace tsbhyve::soft {

class PageSerials {
 public:
  /// What a page has of which nothing is known, and no entry of the jump cache.
  static constexpr u32 none = 1;

  struct Mapping {
    u64 linear = 0, physical = 0;  // addresses of the pages
    bool user = false;             // programs may run it
    bool smep = false;             // and the kernel not, if they may
    bool operator==(const Mapping&) const = default;
  };

  explicit PageSerials(u32 last = std::numeric_limits<u32>::max()) : end_(last) {}

  /// The same for the same mapping, and never for another one. `none` when there are no numbers left for another.
  u32 of(const Mapping& mapping);
  /// All mappings get new numbers, from the first on.
  void start_again();

 private:
  struct Known {
    Mapping mapping;
    u32 serial = none;
  };
  static constexpr u32 slot_bits = 14;

  std::vector<Known> known_{size_t{1} << slot_bits};
  u32 last_ = none;
  const u32 end_;
};

}  // namespace tsbhyve::soft
