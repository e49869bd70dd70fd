// SPDX-License-Identifier: BSD-2-Clause
// Whether the guest may use SSE and MMX instructions now (SDM vol. 3, tables 2-2 and 13-1; vol. 1, 9.5).
#pragma once

#include "soft/op.h"

namespace tsbhyve::soft::sse {

/// What an instruction needs: XMM state, MMX state, or both.
enum class Unit : u8 { Sse, Mmx, Both };

inline constexpr u16 x87_error_summary = 0x80, x87_top = 7 << 11;

template <Unit U>
[[gnu::always_inline]] inline bool ready(const Cpu* cpu) {
  u64 obstacles = cpu->cr0 & (cr0::EM | cr0::TS);
  if constexpr (U != Unit::Mmx) obstacles |= ~cpu->cr4 & cr4::OSFXSR;
  if constexpr (U != Unit::Sse) obstacles |= cpu->fpu.status & x87_error_summary;
  return __builtin_expect(obstacles == 0, 1);
}

/// Raises what stands in the way. Returns only when a pending x87 exception goes out as FERR#, which is not wired
/// (CR0.NE clear): the instruction runs then.
void check_unit(Cpu* cpu, const Op* op, Unit unit);

/// Every MMX instruction but EMMS marks all registers valid and resets the top of the stack.
inline void enter_mmx(Cpu* cpu) {
  cpu->fpu.empty = 0;
  cpu->fpu.status = static_cast<u16>(cpu->fpu.status & ~u32{x87_top});
}

}  // namespace tsbhyve::soft::sse
