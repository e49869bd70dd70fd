// SPDX-License-Identifier: BSD-2-Clause
// From the fields of an Instruction to template arguments.
#pragma once

#include <utility>

#include "soft/integer/shells.h"

namespace tsbhyve::soft {

/// Calls pick.operator()<T>() with the unsigned type of `size` bytes.
template <class Pick>
Handler by_width(u8 size, Pick pick) {
  switch (size) {
    case 1: return pick.template operator()<u8>();
    case 2: return pick.template operator()<u16>();
    case 4: return pick.template operator()<u32>();
    case 8: return pick.template operator()<u64>();
    default: return nullptr;
  }
}

/// The same for instructions without a byte form.
template <class Pick>
Handler by_wide_width(u8 size, Pick pick) {
  switch (size) {
    case 2: return pick.template operator()<u16>();
    case 4: return pick.template operator()<u32>();
    case 8: return pick.template operator()<u64>();
    default: return nullptr;
  }
}

template <class Pick>
Handler by_flag(bool flag, Pick pick) {
  return flag ? pick.template operator()<true>() : pick.template operator()<false>();
}

template <class Pick>
Handler by_condition(u8 condition, Pick pick) {
  return [&]<size_t... C>(std::index_sequence<C...>) {
    const Handler handlers[] = {pick.template operator()<static_cast<u8>(C)>()...};
    return handlers[condition & 15];
  }
  (std::make_index_sequence<16>());
}

/// For instructions with a single handler.
template <Handler H>
Handler always(const Instruction&, bool) {
  return H;
}

inline bool is_memory(const Operand& operand) { return operand.kind == OperandKind::Memory; }
inline bool is_immediate(const Operand& operand) { return operand.kind == OperandKind::Immediate; }

/// XCHG with memory is locked without a prefix (SDM vol. 3, 8.1.2.1).
inline bool is_locked(const Instruction& instruction) {
  return instruction.threaded && (instruction.lock || instruction.opcode == Opcode::Xchg);
}

/// General forms exist only with all flags.
template <class Action>
Handler read_memory(const Instruction& instruction) {
  switch (place_of(instruction)) {
    case Place::Base: return from_memory<Action, Place::Base>;
    case Place::Indexed: return from_memory<Action, Place::Indexed>;
    default: return from_memory<typename Action::Full, Place::General>;
  }
}

template <class Action>
Handler update_memory(const Instruction& instruction) {
  if (is_locked(instruction)) return on_memory_locked<typename Action::Full>;
  switch (place_of(instruction)) {
    case Place::Base: return on_memory<Action, Place::Base>;
    case Place::Indexed: return on_memory<Action, Place::Indexed>;
    default: return on_memory<typename Action::Full, Place::General>;
  }
}

template <class Action>
Handler write_memory(const Instruction& instruction) {
  switch (place_of(instruction)) {
    case Place::Base: return to_memory<Action, Place::Base>;
    case Place::Indexed: return to_memory<Action, Place::Indexed>;
    default: return to_memory<typename Action::Full, Place::General>;
  }
}

/// The second operand is what the action reads.
template <class Action>
Handler read_source(const Instruction& instruction) {
  return is_memory(instruction.operands[1]) ? read_memory<Action>(instruction) : from_register<Action>;
}

/// The first operand is what the action reads.
template <class Action>
Handler read_destination(const Instruction& instruction) {
  return is_memory(instruction.operands[0]) ? read_memory<Action>(instruction) : from_destination<Action>;
}

/// The first operand is what the action changes.
template <class Action>
Handler update_destination(const Instruction& instruction) {
  return is_memory(instruction.operands[0]) ? update_memory<Action>(instruction) : on_register<Action>;
}

/// The second operand of instructions whose first is in memory.
enum class Right : u8 { Register, Immediate };

template <class T, Right R>
[[gnu::always_inline]] inline T right_operand(const Cpu* cpu, const Op* op) {
  return R == Right::Register ? read_gpr<T>(cpu, op->source) : static_cast<T>(op->immediate);
}

template <class Pick>
Handler by_right(const Instruction& instruction, Pick pick) {
  return is_immediate(instruction.operands[1]) ? pick.template operator()<Right::Immediate>()
                                               : pick.template operator()<Right::Register>();
}

}  // namespace tsbhyve::soft
