// SPDX-License-Identifier: BSD-2-Clause
// INC, DEC, NEG and NOT.
#include "soft/flags.h"
#include "soft/integer/parts.h"
#include "soft/integer/select.h"

namespace tsbhyve::soft {

namespace {

struct Increment {
  template <class T>
  static T result(T old) {
    return static_cast<T>(old + 1);
  }
  template <class T>
  static void flags(Cpu* cpu, T, T result) {
    set_lazy<T>(cpu, FlagKind::Inc, result, carry_flag(cpu), 0);  // CF stays
  }
};

struct Decrement {
  template <class T>
  static T result(T old) {
    return static_cast<T>(old - 1);
  }
  template <class T>
  static void flags(Cpu* cpu, T, T result) {
    set_lazy<T>(cpu, FlagKind::Dec, result, carry_flag(cpu), 0);
  }
};

struct Negate {
  template <class T>
  static T result(T old) {
    return static_cast<T>(-old);
  }
  template <class T>
  static void flags(Cpu* cpu, T old, T result) {
    set_lazy<T>(cpu, FlagKind::Sub, result, 0, old);
  }
};

struct Invert {
  template <class T>
  static T result(T old) {
    return static_cast<T>(~old);
  }
  template <class T>
  static void flags(Cpu*, T, T) {}
};

template <class Operation, class T, bool Flags>
struct Unary {
  using Value = T;
  using Full = Unary<Operation, T, true>;
  static T change(Cpu*, const Op*, T old) { return Operation::template result<T>(old); }
  static void finish(Cpu* cpu, const Op*, T old, T result) {
    if constexpr (Flags) Operation::template flags<T>(cpu, old, result);
  }
};

template <class Operation>
Handler select(const Instruction& instruction, bool flags_live) {
  return by_width(instruction.operands[0].size, [&]<class T>() {
    return by_flag(flags_live,
                   [&]<bool Flags>() { return update_destination<Unary<Operation, T, Flags>>(instruction); });
  });
}

}  // namespace

void add_unary(HandlerTable& table) {
  table.set(Opcode::Inc, select<Increment>);
  table.set(Opcode::Dec, select<Decrement>);
  table.set(Opcode::Neg, select<Negate>);
  table.set(Opcode::Not, select<Invert>);
}

}  // namespace tsbhyve::soft
