// SPDX-License-Identifier: BSD-2-Clause
// BT, BTS, BTR and BTC. They change CF only; the SDM leaves the others but ZF undefined, the hardware keeps them.
#include "soft/families.h"
#include "soft/flags.h"
#include "soft/integer/parts.h"
#include "soft/integer/select.h"
#include "soft/integer/wide.h"

namespace tsbhyve::soft {

namespace {

struct SetBit {
  static u64 result(u64 old, u64 bit) { return old | bit; }
};
struct ResetBit {
  static u64 result(u64 old, u64 bit) { return old & ~bit; }
};
struct ComplementBit {
  static u64 result(u64 old, u64 bit) { return old ^ bit; }
};

/// The bit within the operand that the offset selects.
template <class T, Right R>
u64 selected_bit(const Cpu* cpu, const Op* op) {
  return u64{1} << (right_operand<T, R>(cpu, op) % width_bits<T>);
}

template <class T, Right R, bool Flags>
void set_carry_to_bit(Cpu* cpu, const Op* op, T value) {
  if constexpr (Flags) change_status_flags(cpu, flag_cf, value & selected_bit<T, R>(cpu, op) ? flag_cf : 0);
}

template <class T, Right R, bool Flags>
struct Test {
  using Value = T;
  using Full = Test<T, R, true>;
  static void run(Cpu* cpu, const Op* op, T value) { set_carry_to_bit<T, R, Flags>(cpu, op, value); }
};

template <class Operation, class T, Right R, bool Flags>
struct TestAndChange {
  using Value = T;
  using Full = TestAndChange<Operation, T, R, true>;
  static T change(const Cpu* cpu, const Op* op, T old) {
    return static_cast<T>(Operation::result(old, selected_bit<T, R>(cpu, op)));
  }
  static void finish(Cpu* cpu, const Op* op, T old, T) { set_carry_to_bit<T, R, Flags>(cpu, op, old); }
};

/// With a register offset, memory is a bit string: the signed offset reaches beyond the operand (SDM vol. 2, BT).
template <class T>
u64 bit_string_address(Cpu* cpu, const Op* op, bool is_write) {
  const i64 offset = static_cast<Signed<T>>(read_gpr<T>(cpu, op->source));
  const i64 bytes = (offset >> (sizeof(T) == 2 ? 4 : sizeof(T) == 4 ? 5 : 6)) * static_cast<i64>(sizeof(T));
  const u64 address = cut_address(op, raw_address(cpu, op) + static_cast<u64>(bytes));
  return linear_in(cpu, op, op->segment, address, sizeof(T), is_write);
}

template <class T>
void test_bit_string(Cpu* cpu, const Op* op) {
  const T value = load<T>(cpu, op, bit_string_address<T>(cpu, op, false));
  set_carry_to_bit<T, Right::Register, true>(cpu, op, value);
  NEXT(cpu, op);
}

template <class Operation, class T>
void change_bit_string(Cpu* cpu, const Op* op) {
  using Action = TestAndChange<Operation, T, Right::Register, true>;
  const u64 lin = bit_string_address<T>(cpu, op, true);
  const T old = load_for_update<T>(cpu, op, lin);
  store<T>(cpu, op, lin, Action::change(cpu, op, old));
  Action::finish(cpu, op, old, old);
  NEXT(cpu, op);
}

template <class Operation, class T>
void change_bit_string_locked(Cpu* cpu, const Op* op) {
  using Action = TestAndChange<Operation, T, Right::Register, true>;
  const u64 lin = bit_string_address<T>(cpu, op, true);
  u8* const fast = fast_write_pointer<T>(cpu, lin);
  u8* const at = fast ? fast : begin_locked(cpu, op, lin, sizeof(T), op->segment);
  if (!at) return change_bit_string<Operation, T>(cpu, op);
  const T old = exchange<Action>(cpu, op, at);
  if (!fast) end_locked(cpu, lin, sizeof(T));
  Action::finish(cpu, op, old, old);
  NEXT(cpu, op);
}

bool is_bit_string(const Instruction& instruction) {
  return is_memory(instruction.operands[0]) && !is_immediate(instruction.operands[1]);
}

Handler select_test(const Instruction& instruction, bool flags_live) {
  return by_wide_width(instruction.operands[0].size, [&]<class T>() -> Handler {
    if (is_bit_string(instruction)) return test_bit_string<T>;
    return by_right(instruction, [&]<Right R>() {
      return by_flag(flags_live, [&]<bool Flags>() { return read_destination<Test<T, R, Flags>>(instruction); });
    });
  });
}

template <class Operation>
Handler select_change(const Instruction& instruction, bool flags_live) {
  return by_wide_width(instruction.operands[0].size, [&]<class T>() -> Handler {
    if (is_bit_string(instruction)) {
      return is_locked(instruction) ? change_bit_string_locked<Operation, T> : change_bit_string<Operation, T>;
    }
    return by_right(instruction, [&]<Right R>() {
      return by_flag(flags_live, [&]<bool Flags>() {
        return update_destination<TestAndChange<Operation, T, R, Flags>>(instruction);
      });
    });
  });
}

}  // namespace

void add_bit(HandlerTable& table) {
  table.set(Opcode::Bt, select_test);
  table.set(Opcode::Bts, select_change<SetBit>);
  table.set(Opcode::Btr, select_change<ResetBit>);
  table.set(Opcode::Btc, select_change<ComplementBit>);
  add_scan(table);
}

}  // namespace tsbhyve::soft
