// SPDX-License-Identifier: BSD-2-Clause
// The lazily kept status flags: which operation made them, and from what.
#pragma once

#include "soft/types.h"

namespace tsbhyve::soft {

/// Low two bits: log2 of the operand width in bytes. Eager: the flags are in Cpu::rflags.
enum class FlagKind : u32 { Add = 0, Sub = 4, Logic = 8, Inc = 12, Dec = 16, Eager = 20 };

/// Values are zero-extended from the operand width. Add and Sub also stand for ADC and SBB: carries follow from
/// left, right and result alone. Inc and Dec keep CF in `left` (0 or 1).
///
/// Translated code leaves incomplete ones, whose `kind` has one of MissingPart too: that part follows from the other
/// two, and nothing is cut to the width yet. Of Add it is always Left; Logic has its result (Left) or is to have left
/// AND right. settle_flags() completes them on every way from translated code to C++.
struct LazyFlags {
  u32 kind = static_cast<u32>(FlagKind::Eager);
  u64 result = 0, left = 0, right = 0;
};

/// Added to a FlagKind.
enum class MissingPart : u32 { Result = 0x20, Left = 0x40, Right = 0x60 };
inline constexpr u32 missing_part_mask = 0x60;

}  // namespace tsbhyve::soft
