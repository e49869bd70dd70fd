// SPDX-License-Identifier: BSD-2-Clause
// Which guest registers have homes in host registers within a region.
#pragma once

#include <array>
#include <vector>

#include "soft/translator/host.h"
#include "soft/translator/plan.h"

namespace tsbhyve::soft {

/// Within a region, the home of `owner` is that of `borrower`, which has none of its own.
struct Loan {
  u8 owner, borrower;  // guest registers
};

struct Homes {
  /// Host register of each guest register, or `in_memory`.
  std::array<u8, 16> of = host_code::usual_homes;
  /// What differs from the usual: to be brought about by whoever comes into the region, and undone on each way out.
  std::vector<Loan> loans;
};

/// Lends homes that the region hardly uses to registers that it uses much, where that is worth the way in and out.
Homes choose_homes(const Plan& plan);

}  // namespace tsbhyve::soft
