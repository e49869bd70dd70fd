// SPDX-License-Identifier: BSD-2-Clause
// PUSH and POP.
#include "soft/families.h"
#include "soft/integer/parts.h"
#include "soft/integer/push_pop.h"
#include "soft/integer/select.h"

namespace tsbhyve::soft {

namespace {

enum class Pushed : u8 { Register, Immediate, Memory };

template <class T, Pushed P>
[[gnu::always_inline]] inline T pushed_value(Cpu* cpu, const Op* op) {
  if constexpr (P == Pushed::Register)
    return read_gpr<T>(cpu, op->destination);
  else if constexpr (P == Pushed::Immediate)
    return static_cast<T>(op->immediate);
  else
    return general_load<T>(cpu, op);
}

template <class T, Pushed P>
[[gnu::noinline]] void push_general(Cpu* cpu, const Op* op) {
  push_value<T>(cpu, op, pushed_value<T, P>(cpu, op));
  NEXT(cpu, op);
}

/// 64-bit code: the stack is flat.
template <class T, Pushed P>
void push_flat(Cpu* cpu, const Op* op) {
  const u64 sp = cpu->gpr[RSP] - sizeof(T);
  u8* host = fast_write_pointer<T>(cpu, sp);
  if (!host) [[unlikely]]
    return push_general<T, P>(cpu, op);
  poke<T>(host, pushed_value<T, P>(cpu, op));
  cpu->gpr[RSP] = sp;
  NEXT(cpu, op);
}

Pushed pushed_kind(const Operand& operand) {
  return is_memory(operand) ? Pushed::Memory : is_immediate(operand) ? Pushed::Immediate : Pushed::Register;
}

Handler select_push(const Instruction& instruction, bool) {
  const bool flat = instruction.code_size == CodeSize::Bits64;
  return by_wide_width(instruction.operand_size, [&]<class T>() -> Handler {
    switch (pushed_kind(instruction.operands[0])) {
      case Pushed::Register: return flat ? push_flat<T, Pushed::Register> : push_general<T, Pushed::Register>;
      case Pushed::Immediate: return flat ? push_flat<T, Pushed::Immediate> : push_general<T, Pushed::Immediate>;
      default: return push_general<T, Pushed::Memory>;
    }
  });
}

/// POP (E)SP: the popped value wins over the increment.
template <class T>
[[gnu::noinline]] void pop_general(Cpu* cpu, const Op* op) {
  const T value = top_of_stack<T>(cpu, op);
  write_stack_pointer(cpu, cpu->gpr[RSP] + sizeof(T));
  write_gpr<T>(cpu, op->destination, value);
  NEXT(cpu, op);
}

template <class T>
void pop_flat(Cpu* cpu, const Op* op) {
  const u64 sp = cpu->gpr[RSP];
  const u8* host = fast_read_pointer<T>(cpu, sp);
  if (!host) [[unlikely]]
    return pop_general<T>(cpu, op);
  const T value = peek<T>(host);
  cpu->gpr[RSP] = sp + sizeof(T);
  write_gpr<T>(cpu, op->destination, value);
  NEXT(cpu, op);
}

/// An address based on (E)SP uses its value after the increment (SDM vol. 2, POP).
template <class T>
u64 popped_address(const Cpu* cpu, const Op* op) {
  const u64 base_moves = op->base == RSP * 8 ? sizeof(T) : 0;
  return cut_address(op, raw_address(cpu, op) + base_moves);
}

template <class T>
void pop_memory(Cpu* cpu, const Op* op) {
  const T value = top_of_stack<T>(cpu, op);
  store<T>(cpu, op, linear_in(cpu, op, op->segment, popped_address<T>(cpu, op), sizeof(T), true), value);
  write_stack_pointer(cpu, cpu->gpr[RSP] + sizeof(T));
  NEXT(cpu, op);
}

Handler select_pop(const Instruction& instruction, bool) {
  return by_wide_width(instruction.operand_size, [&]<class T>() -> Handler {
    if (is_memory(instruction.operands[0])) return pop_memory<T>;
    return instruction.code_size == CodeSize::Bits64 ? pop_flat<T> : pop_general<T>;
  });
}

}  // namespace

void add_stack(HandlerTable& table) {
  table.set(Opcode::Push, select_push);
  table.set(Opcode::Pop, select_pop);
  add_frame(table);
  add_flags_stack(table);
}

}  // namespace tsbhyve::soft
