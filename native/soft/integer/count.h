// SPDX-License-Identifier: BSD-2-Clause
// The count of shifts and rotates: an immediate or CL, masked to five bits, six for 64-bit operands.
#pragma once

#include "soft/integer/select.h"

namespace tsbhyve::soft {

enum class Count : u8 { Immediate, Cl };

template <class T, Count C>
[[gnu::always_inline]] inline u32 masked_count(const Cpu* cpu, const Op* op) {
  const u32 count = C == Count::Cl ? read_gpr<u8>(cpu, RCX * 8) : static_cast<u8>(op->immediate);
  return count & (sizeof(T) == 8 ? 63 : 31);
}

template <class Pick>
Handler by_count(const Operand& operand, Pick pick) {
  return is_immediate(operand) ? pick.template operator()<Count::Immediate>() : pick.template operator()<Count::Cl>();
}

}  // namespace tsbhyve::soft
