// SPDX-License-Identifier: BSD-2-Clause
// Memory around a base register that is known to lie on one page, so that one look at the fast table serves several
// instructions.
#pragma once

#include <array>
#include <optional>

#include "soft/translator/plan.h"

namespace tsbhyve::soft {

/// Where a memory operand lies, when that is a constant away from one register. `rip_register` stands for the start of
/// the page that the code is on.
struct Nearby {
  u8 base = no_register;
  i32 at = 0;  // bytes from what the base holds
};

struct Place {
  u8 base = no_register;  // none: not in use
  bool writable = false;
  i32 low = 0, high = 0;  // first byte and the one behind the last, from what the base holds now
  i32 moved = 0;          // what the base holds now beyond what it held at the look at the table
};

inline constexpr size_t place_count = 4;
static_assert(place_count == std::size(TranslatedState{}.places));
using Places = std::array<Place, place_count>;

/// Nothing for operands that are found in another way: FS and GS, an index, 32-bit addresses.
std::optional<Nearby> nearby(const PlannedBlock& planned, size_t position);

/// The place around the memory operand of the instruction at `position` (`size` bytes) that those behind it will use,
/// too. Nothing when none of them does.
std::optional<Place> place_around(const PlannedBlock& planned, size_t position, u32 size, bool writes);

/// To be told of each instruction, once it has been done: its base registers may have changed.
void follow_bases(Places& places, const Instruction& instruction);

}  // namespace tsbhyve::soft
