// SPDX-License-Identifier: BSD-2-Clause
// Raising exceptions from code that runs inside a handler as well as between instructions.
#pragma once

#include "soft/leave.h"

namespace tsbhyve::soft {

/// Raises at cpu->current_op; handlers set it before they call code that may come here.
[[noreturn]] inline void fault(Cpu* cpu, u8 vector, u32 error) { raise(cpu, cpu->current_op, vector, error); }

/// Error code that names a selector (SDM vol. 3, 6.13). `external` is 1 while an event is delivered that no instruction
/// asked for.
inline u32 selector_error(u16 selector, u32 external = 0) { return (selector & 0xfffcu) | external; }

inline bool canonical(u64 address) { return static_cast<u64>(static_cast<i64>(address << 16) >> 16) == address; }

/// Only at CPL 0.
inline void require_kernel(Cpu* cpu, const Op* op) {
  if (cpu->cpl != 0) raise(cpu, op, Vector::GP, 0);
}

/// RFLAGS as a whole, from memory or a register; `mask` picks the bits that may change.
inline u64 merge_flags(u64 old, u64 value, u64 mask) { return (old & ~mask) | (value & mask) | 2; }

}  // namespace tsbhyve::soft
