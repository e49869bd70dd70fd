// SPDX-License-Identifier: BSD-2-Clause
// MOV, MOVNTI, MOVBE, XCHG and XLAT.
#include "soft/families.h"
#include "soft/integer/parts.h"
#include "soft/integer/select.h"

namespace tsbhyve::soft {

namespace {

template <class T>
T reverse_bytes(T value) {
  if constexpr (sizeof(T) == 2)
    return __builtin_bswap16(value);
  else if constexpr (sizeof(T) == 4)
    return __builtin_bswap32(value);
  else
    return __builtin_bswap64(value);
}

template <class T>
struct Load {
  using Value = T;
  using Full = Load;
  static void run(Cpu* cpu, const Op* op, T value) { write_gpr<T>(cpu, op->destination, value); }
};

template <class T, Right R>
struct Store {
  using Value = T;
  using Full = Store;
  static T value(const Cpu* cpu, const Op* op) { return right_operand<T, R>(cpu, op); }
};

/// MOV between the accumulator and an address that does not fit Op::displacement: it is in Op::immediate.
template <class T>
void load_far_offset(Cpu* cpu, const Op* op) {
  const u64 lin = linear_in(cpu, op, op->segment, cut_address(op, op->immediate), sizeof(T), false);
  write_gpr<T>(cpu, op->destination, load<T>(cpu, op, lin));
  NEXT(cpu, op);
}
template <class T>
void store_far_offset(Cpu* cpu, const Op* op) {
  const u64 lin = linear_in(cpu, op, op->segment, cut_address(op, op->immediate), sizeof(T), true);
  store<T>(cpu, op, lin, read_gpr<T>(cpu, op->source));
  NEXT(cpu, op);
}

Handler select_mov(const Instruction& instruction, bool) {
  const bool far_offset = instruction.memory.displacement != static_cast<i32>(instruction.memory.displacement);
  return by_width(instruction.operands[0].size, [&]<class T>() -> Handler {
    if (is_memory(instruction.operands[0])) {
      if (far_offset) return store_far_offset<T>;
      return by_right(instruction, [&]<Right R>() { return write_memory<Store<T, R>>(instruction); });
    }
    if (is_immediate(instruction.operands[1])) return from_immediate<Load<T>>;
    if (far_offset) return load_far_offset<T>;
    return read_source<Load<T>>(instruction);
  });
}

template <class T>
struct LoadReversed {
  using Value = T;
  using Full = LoadReversed;
  static void run(Cpu* cpu, const Op* op, T value) { write_gpr<T>(cpu, op->destination, reverse_bytes(value)); }
};

template <class T>
struct StoreReversed {
  using Value = T;
  using Full = StoreReversed;
  static T value(const Cpu* cpu, const Op* op) { return reverse_bytes(read_gpr<T>(cpu, op->source)); }
};

Handler select_movbe(const Instruction& instruction, bool) {
  return by_wide_width(instruction.operands[0].size, [&]<class T>() {
    return is_memory(instruction.operands[0]) ? write_memory<StoreReversed<T>>(instruction)
                                              : read_memory<LoadReversed<T>>(instruction);
  });
}

template <class T>
struct Exchange {
  using Value = T;
  using Full = Exchange;
  static T change(const Cpu* cpu, const Op* op, T) { return read_gpr<T>(cpu, op->source); }
  static void finish(Cpu* cpu, const Op* op, T old, T) { write_gpr<T>(cpu, op->source, old); }
};

Handler select_xchg(const Instruction& instruction, bool) {
  return by_width(instruction.operands[0].size,
                  [&]<class T>() { return update_destination<Exchange<T>>(instruction); });
}

void xlat(Cpu* cpu, const Op* op) {
  const u64 offset = cut_address(op, cpu->gpr[RBX] + read_gpr<u8>(cpu, RAX * 8));
  write_gpr<u8>(cpu, RAX * 8, load<u8>(cpu, op, linear_in(cpu, op, op->segment, offset, 1, false)));
  NEXT(cpu, op);
}

}  // namespace

void add_move(HandlerTable& table) {
  table.set(Opcode::Mov, select_mov);
  table.set(Opcode::Movnti, select_mov);
  table.set(Opcode::Movbe, select_movbe);
  table.set(Opcode::Xchg, select_xchg);
  table.set(Opcode::Xlat, always<xlat>);
  add_extend(table);
  add_conditional(table);
  add_flag_move(table);
}

}  // namespace tsbhyve::soft
