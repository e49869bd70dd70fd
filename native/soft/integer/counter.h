// SPDX-License-Identifier: BSD-2-Clause
// Implicit registers whose width is the address size: the counter of LOOP and REP, the pointers of string operations.
#pragma once

#include "soft/address.h"

namespace tsbhyve::soft {

inline u64 read_by_address_size(const Cpu* cpu, const Op* op, u8 reg) { return cut_address(op, cpu->gpr[reg]); }

inline void write_by_address_size(Cpu* cpu, const Op* op, u8 reg, u64 value) {
  const u8 slot = static_cast<u8>(reg * 8);
  if (op->bits & op_address16)
    write_gpr<u16>(cpu, slot, static_cast<u16>(value));
  else if (op->bits & op_address32)
    write_gpr<u32>(cpu, slot, static_cast<u32>(value));
  else
    write_gpr<u64>(cpu, slot, value);
}

inline u64 read_counter(const Cpu* cpu, const Op* op) { return read_by_address_size(cpu, op, RCX); }
inline void write_counter(Cpu* cpu, const Op* op, u64 value) { write_by_address_size(cpu, op, RCX, value); }

}  // namespace tsbhyve::soft
