// SPDX-License-Identifier: BSD-2-Clause
// PUSHA, POPA, ENTER and LEAVE.
#include "soft/integer/parts.h"
#include "soft/integer/push_pop.h"
#include "soft/integer/select.h"

namespace tsbhyve::soft {

namespace {

constexpr u32 all_registers = 8;

/// Linear address of slot `index` below the stack pointer, the first push being slot 1.
template <class T>
u64 slot_below(Cpu* cpu, const Op* op, u32 index, bool is_write) {
  return stack_address(cpu, op, stack_offset(cpu, index * sizeof(T)), sizeof(T), is_write);
}

/// All slots are probed before the first is written: a fault must find the stack as it was.
template <class T>
void probe_pushes(Cpu* cpu, const Op* op, u32 count) {
  for (u32 i = 1; i <= count; i++) probe_write(cpu, op, slot_below<T>(cpu, op, i, true), sizeof(T), SS);
}

template <class T>
[[gnu::noinline]] void push_all(Cpu* cpu, const Op* op) {
  probe_pushes<T>(cpu, op, all_registers);
  for (u32 i = 0; i < all_registers; i++) {
    store_stack<T>(cpu, op, slot_below<T>(cpu, op, i + 1, true), read_gpr<T>(cpu, static_cast<u8>(i * 8)));
  }
  write_stack_pointer(cpu, stack_offset(cpu, all_registers * sizeof(T)));
}

/// EDI is on top; the value saved for ESP is skipped.
template <class T>
[[gnu::noinline]] void pop_all(Cpu* cpu, const Op* op) {
  T values[all_registers];
  for (u32 i = 0; i < all_registers; i++) {
    const u64 offset = (cpu->gpr[RSP] + i * sizeof(T)) & stack_mask(cpu);
    values[i] = load_stack<T>(cpu, op, stack_address(cpu, op, offset, sizeof(T), false));
  }
  for (u32 i = 0; i < all_registers; i++) {
    const u32 number = all_registers - 1 - i;
    if (number != RSP) write_gpr<T>(cpu, static_cast<u8>(number * 8), values[i]);
  }
  write_stack_pointer(cpu, cpu->gpr[RSP] + all_registers * sizeof(T));
}

template <class T>
[[gnu::noinline]] void enter_frame(Cpu* cpu, const Op* op) {
  const u32 level = op->extra & 31;
  const u64 mask = stack_mask(cpu);
  const u64 frame = stack_offset(cpu, sizeof(T));
  // All of ESP, even where the stack has 16 bits of it.
  const auto frame_pointer = static_cast<T>((cpu->gpr[RSP] & ~mask) | frame);
  const u64 bottom = (frame - level * sizeof(T) - static_cast<u16>(op->immediate)) & mask;
  probe_pushes<T>(cpu, op, level + 1);
  // The final stack pointer must be writable too (SDM vol. 2, ENTER, #PF).
  probe_write(cpu, op, stack_address(cpu, op, bottom, sizeof(T), true), sizeof(T), SS);

  store_stack<T>(cpu, op, slot_below<T>(cpu, op, 1, true), read_gpr<T>(cpu, RBP * 8));
  for (u32 i = 1; i < level; i++) {
    const u64 display = (cpu->gpr[RBP] - i * sizeof(T)) & mask;
    const T pointer = load_stack<T>(cpu, op, stack_address(cpu, op, display, sizeof(T), false));
    store_stack<T>(cpu, op, slot_below<T>(cpu, op, i + 1, true), pointer);
  }
  if (level > 0) store_stack<T>(cpu, op, slot_below<T>(cpu, op, level + 1, true), frame_pointer);
  write_gpr<T>(cpu, RBP * 8, frame_pointer);
  write_stack_pointer(cpu, bottom);
}

template <class T>
void pusha(Cpu* cpu, const Op* op) {
  push_all<T>(cpu, op);
  NEXT(cpu, op);
}
template <class T>
void popa(Cpu* cpu, const Op* op) {
  pop_all<T>(cpu, op);
  NEXT(cpu, op);
}
template <class T>
void enter(Cpu* cpu, const Op* op) {
  enter_frame<T>(cpu, op);
  NEXT(cpu, op);
}

template <class T>
[[gnu::noinline]] void leave_general(Cpu* cpu, const Op* op) {
  const u64 sp = cpu->gpr[RBP] & stack_mask(cpu);
  const T value = load_stack<T>(cpu, op, stack_address(cpu, op, sp, sizeof(T), false));
  write_stack_pointer(cpu, sp + sizeof(T));
  write_gpr<T>(cpu, RBP * 8, value);
  NEXT(cpu, op);
}

template <class T>
void leave_flat(Cpu* cpu, const Op* op) {
  const u64 sp = cpu->gpr[RBP];
  const u8* host = fast_read_pointer<T>(cpu, sp);
  if (!host) [[unlikely]]
    return leave_general<T>(cpu, op);
  const T value = peek<T>(host);
  cpu->gpr[RSP] = sp + sizeof(T);
  write_gpr<T>(cpu, RBP * 8, value);
  NEXT(cpu, op);
}

Handler select_pusha(const Instruction& instruction, bool) {
  return instruction.operand_size == 2 ? pusha<u16> : pusha<u32>;
}

Handler select_popa(const Instruction& instruction, bool) {
  return instruction.operand_size == 2 ? popa<u16> : popa<u32>;
}

Handler select_enter(const Instruction& instruction, bool) {
  return by_wide_width(instruction.operand_size, []<class T>() -> Handler { return enter<T>; });
}

Handler select_leave(const Instruction& instruction, bool) {
  const bool flat = instruction.code_size == CodeSize::Bits64;
  return by_wide_width(instruction.operand_size,
                       [&]<class T>() -> Handler { return flat ? leave_flat<T> : leave_general<T>; });
}

}  // namespace

void add_frame(HandlerTable& table) {
  table.set(Opcode::Pusha, select_pusha);
  table.set(Opcode::Popa, select_popa);
  table.set(Opcode::Enter, select_enter);
  table.set(Opcode::Leave, select_leave);
}

}  // namespace tsbhyve::soft
