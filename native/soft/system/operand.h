// SPDX-License-Identifier: BSD-2-Clause
// Operands of the system instructions: a register, or memory addressed in any way.
#pragma once

#include "soft/address.h"
#include "soft/flags.h"
#include "soft/memory.h"

namespace tsbhyve::soft {

[[gnu::noinline]] inline u64 memory_operand(Cpu* cpu, const Op* op, u32 size, bool is_write) {
  return linear_address<Addressing::General>(cpu, op, size, is_write);
}

/// r/m16 that is read: `slot` is the register if it is one.
template <bool Memory>
u16 read_word(Cpu* cpu, const Op* op, u8 slot) {
  if constexpr (Memory) return load<u16>(cpu, op, memory_operand(cpu, op, 2, false));
  return read_gpr<u16>(cpu, slot);
}

/// Destination of SLDT, STR, SMSW and MOV from a segment register: 16 bits in memory, the operand size in a register.
template <bool Memory>
void write_selector(Cpu* cpu, const Op* op, u64 value) {
  if constexpr (Memory) {
    store<u16>(cpu, op, memory_operand(cpu, op, 2, true), static_cast<u16>(value));
  } else if (op->bits & op_operand16) {
    write_gpr<u16>(cpu, op->destination, static_cast<u16>(value));
  } else {
    write_gpr<u64>(cpu, op->destination, value);
  }
}

/// A register of the width that MOV CR, MOV DR and descriptor tables use.
inline bool wide_operands(const Cpu* cpu) { return (cpu->mode & mode_code64) != 0; }

inline bool operand_in_memory(const Instruction& instruction, size_t index) {
  return instruction.operands[index].kind == OperandKind::Memory;
}

}  // namespace tsbhyve::soft
