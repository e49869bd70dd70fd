// SPDX-License-Identifier: BSD-2-Clause
// Checks of near branch targets (SDM vol. 2, JMP): canonical in 64-bit code, within the CS limit elsewhere.
#pragma once

#include "soft/leave.h"
#include "soft/types.h"

namespace tsbhyve::soft {

inline constexpr u32 linear_bits = 48;  // 4-level paging

inline bool is_canonical(u64 address) {
  return static_cast<u64>(static_cast<i64>(address << (64 - linear_bits)) >> (64 - linear_bits)) == address;
}

/// #GP(0) unless `rip`, already cut to the operand size, may be jumped to. In64: 64-bit code.
template <bool In64>
[[gnu::always_inline]] inline void check_target(Cpu* cpu, const Op* op, u64 rip) {
  const bool allowed = In64 ? is_canonical(rip) : rip <= cpu->segment[CS].limit;
  if (!allowed) [[unlikely]]
    raise(cpu, op, Vector::GP, 0);
}

/// Where a direct branch leads to. A 16-bit operand size cuts that to 16 bits (SDM vol. 2, JMP); 64-bit code ignores
/// the prefix.
template <bool In64>
[[gnu::always_inline]] inline u64 branch_target(const Cpu* cpu, const Op* op) {
  const u64 rip = cpu->gpr[17] + op->branch->taken.delta;
  if constexpr (In64) return rip;
  return rip & (op->bits & op_operand16 ? 0xffff : 0xffffffff);
}

/// Direct branches of 64-bit code check nothing: fetching from a target that is not canonical raises #GP(0) itself.
template <bool In64>
[[gnu::always_inline]] inline void check_branch(Cpu* cpu, const Op* op) {
  if constexpr (!In64) check_target<false>(cpu, op, branch_target<false>(cpu, op));
}

}  // namespace tsbhyve::soft
