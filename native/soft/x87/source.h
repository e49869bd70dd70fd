// SPDX-License-Identifier: BSD-2-Clause
// Memory operands of arithmetic and comparison as unpacked numbers.
#pragma once

#include "soft/float/integer.h"
#include "soft/x87/access.h"

namespace tsbhyve::soft::x87 {

enum class Source : u8 { Single, Double, Word, Doubleword };

template <Source source>
fp::Unpacked load_source(Cpu* cpu, const Op* op) {
  const fp::Context context;
  if constexpr (source == Source::Single) return unpack(context, fp::Float32{load_operand<u32>(cpu, op)});
  if constexpr (source == Source::Double) return unpack(context, fp::Float64{load_operand<u64>(cpu, op)});
  if constexpr (source == Source::Word) return fp::unpack_integer(static_cast<i16>(load_operand<u16>(cpu, op)));
  if constexpr (source == Source::Doubleword) return fp::unpack_integer(static_cast<i32>(load_operand<u32>(cpu, op)));
}

/// ST(i).
inline fp::Unpacked unpacked(const FpuState& fpu, u32 i) { return unpack(fp::Context{}, get(fpu, i)); }

}  // namespace tsbhyve::soft::x87
