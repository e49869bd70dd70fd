// SPDX-License-Identifier: BSD-2-Clause
// The lazily kept status flags: which operation made them, and from what.
#pragma once

#include "soft/types.h"

namespace tsbhyve::soft {

/// Low two bits: log2 of the operand width in bytes. Eager: the flags are in Cpu::rflags.
enum class FlagKind : u32 { Add = 0, Sub = 4, Logic = 8, Inc = 12, Dec = 16, Eager = 20 };

/// Values are zero-extended from the operand width. Add and Sub also stand for ADC and SBB: carries follow from
/// left, right and result alone. Inc and Dec keep CF in `left` (0 or 1).
struct LazyFlags {
  u32 kind = static_cast<u32>(FlagKind::Eager);
  u64 result = 0, left = 0, right = 0;
};

}  // namespace tsbhyve::soft
