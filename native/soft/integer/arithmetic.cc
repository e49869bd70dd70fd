// SPDX-License-Identifier: BSD-2-Clause
// ADD, OR, ADC, SBB, AND, SUB, XOR, CMP and TEST in all forms.
#include "soft/families.h"
#include "soft/integer/operations.h"
#include "soft/integer/parts.h"

namespace tsbhyve::soft {

namespace {

/// Destination in a register; the source may be anything.
template <class Operation, class T, bool Flags>
struct ToRegister {
  using Value = T;
  using Full = ToRegister<Operation, T, true>;
  static void run(Cpu* cpu, const Op* op, T right) {
    const T left = read_gpr<T>(cpu, op->destination);
    const T result = Operation::template result<T>(cpu, left, right);
    if constexpr (Flags) Operation::template flags<T>(cpu, result, left, right);
    if constexpr (Operation::writes) write_gpr<T>(cpu, op->destination, result);
  }
};

/// Destination in memory.
template <class Operation, class T, Right R, bool Flags>
struct ToMemory {
  using Value = T;
  using Full = ToMemory<Operation, T, R, true>;
  static T change(Cpu* cpu, const Op* op, T left) {
    return Operation::template result<T>(cpu, left, right_operand<T, R>(cpu, op));
  }
  static void finish(Cpu* cpu, const Op* op, T left, T result) {
    if constexpr (Flags) Operation::template flags<T>(cpu, result, left, right_operand<T, R>(cpu, op));
  }
};

template <class Operation, class T, bool Flags>
Handler select_form(const Instruction& instruction) {
  if (is_memory(instruction.operands[0])) {
    return by_right(instruction, [&]<Right R>() -> Handler {
      if constexpr (Operation::writes)
        return update_memory<ToMemory<Operation, T, R, Flags>>(instruction);
      else
        return read_memory<operation::Examine<Operation, T, R, Flags>>(instruction);
    });
  }
  using Action = ToRegister<Operation, T, Flags>;
  return is_immediate(instruction.operands[1]) ? from_immediate<Action> : read_source<Action>(instruction);
}

template <class Operation>
Handler select(const Instruction& instruction, bool flags_live) {
  return by_width(instruction.operands[0].size, [&]<class T>() {
    return by_flag(flags_live, [&]<bool Flags>() { return select_form<Operation, T, Flags>(instruction); });
  });
}

}  // namespace

void add_arithmetic(HandlerTable& table) {
  table.set(Opcode::Add, select<operation::Add>);
  table.set(Opcode::Or, select<operation::Or>);
  table.set(Opcode::Adc, select<operation::Adc>);
  table.set(Opcode::Sbb, select<operation::Sbb>);
  table.set(Opcode::And, select<operation::And>);
  table.set(Opcode::Sub, select<operation::Sub>);
  table.set(Opcode::Xor, select<operation::Xor>);
  table.set(Opcode::Cmp, select<operation::Cmp>);
  table.set(Opcode::Test, select<operation::Test>);
  add_unary(table);
}

}  // namespace tsbhyve::soft
