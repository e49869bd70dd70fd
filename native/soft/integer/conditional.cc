// SPDX-License-Identifier: BSD-2-Clause
// CMOVcc and SETcc.
#include "soft/flags.h"
#include "soft/integer/parts.h"
#include "soft/integer/select.h"

namespace tsbhyve::soft {

namespace {

/// The source is read, and a 32-bit destination zero-extended, whether the condition holds or not (SDM vol. 2, CMOVcc).
template <class T, u8 Condition>
struct MoveIf {
  using Value = T;
  using Full = MoveIf;
  static void run(Cpu* cpu, const Op* op, T value) {
    const T old = read_gpr<T>(cpu, op->destination);
    write_gpr<T>(cpu, op->destination, condition_holds<Condition>(cpu) ? value : old);
  }
};

Handler select_cmov(const Instruction& instruction, bool) {
  return by_wide_width(instruction.operands[0].size, [&]<class T>() {
    return by_condition(instruction.condition,
                        [&]<u8 Condition>() { return read_source<MoveIf<T, Condition>>(instruction); });
  });
}

template <u8 Condition>
struct ConditionByte {
  using Value = u8;
  using Full = ConditionByte;
  static u8 value(const Cpu* cpu, const Op*) { return condition_holds<Condition>(cpu) ? 1 : 0; }
};

template <u8 Condition>
void set_register(Cpu* cpu, const Op* op) {
  write_gpr<u8>(cpu, op->destination, condition_holds<Condition>(cpu) ? 1 : 0);
  NEXT(cpu, op);
}

Handler select_setcc(const Instruction& instruction, bool) {
  return by_condition(instruction.condition, [&]<u8 Condition>() -> Handler {
    if (is_memory(instruction.operands[0])) return write_memory<ConditionByte<Condition>>(instruction);
    return set_register<Condition>;
  });
}

}  // namespace

void add_conditional(HandlerTable& table) {
  table.set(Opcode::Cmovcc, select_cmov);
  table.set(Opcode::Setcc, select_setcc);
}

}  // namespace tsbhyve::soft
