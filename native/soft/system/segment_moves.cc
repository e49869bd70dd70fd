// SPDX-License-Identifier: BSD-2-Clause
// Loads and stores of the segment registers (SDM vol. 2: MOV, PUSH, POP, LDS).
#include "soft/families.h"
#include "soft/system/descriptor_ops.h"
#include "soft/system/fault.h"
#include "soft/system/operand.h"
#include "soft/system/segments.h"

namespace tsbhyve::soft {

namespace {

/// After MOV SS and POP SS the next instruction runs before any interrupt or debug trap (SDM vol. 3, 6.8.3).
void shadow_next(Cpu* cpu) { cpu->interrupt_shadow = cpu->debug_shadow = true; }

template <bool Memory>
void mov_to_segment(Cpu* cpu, const Op* op) {
  cpu->current_op = op;
  load_segment(cpu, op->destination, read_word<Memory>(cpu, op, op->source));
  NEXT(cpu, op);
}

template <bool Memory>
void mov_to_ss(Cpu* cpu, const Op* op) {
  cpu->current_op = op;
  load_segment(cpu, SS, read_word<Memory>(cpu, op, op->source));
  shadow_next(cpu);
  end_block(cpu, op);
}

template <bool Memory>
void mov_from_segment(Cpu* cpu, const Op* op) {
  write_selector<Memory>(cpu, op, cpu->segment[op->source].selector);
  NEXT(cpu, op);
}

/// PUSH moves the stack by the operand size but writes 16 bits in the 32-bit form, as processors do (SDM vol. 2, PUSH).
template <class T>
void push_segment(Cpu* cpu, const Op* op) {
  const u16 selector = cpu->segment[op->destination].selector;
  const u64 sp = (cpu->gpr[RSP] - sizeof(T)) & stack_mask(cpu);
  const u64 lin = stack_address(cpu, op, sp, sizeof(T), true);
  if constexpr (sizeof(T) == 4) {
    store_stack<u16>(cpu, op, lin, selector);
  } else {
    store_stack<T>(cpu, op, lin, selector);
  }
  write_stack_pointer(cpu, sp);
  NEXT(cpu, op);
}

template <class T>
void pop_into_segment(Cpu* cpu, const Op* op) {
  const u64 sp = cpu->gpr[RSP] & stack_mask(cpu);
  const u64 lin = stack_address(cpu, op, sp, sizeof(T), false);
  cpu->current_op = op;
  load_segment(cpu, op->destination, static_cast<u16>(load_stack<T>(cpu, op, lin)));
}

template <class T>
void pop_segment(Cpu* cpu, const Op* op) {
  pop_into_segment<T>(cpu, op);
  write_stack_pointer(cpu, cpu->gpr[RSP] + sizeof(T));
  NEXT(cpu, op);
}

template <class T>
void pop_ss(Cpu* cpu, const Op* op) {
  const u64 mask = stack_mask(cpu);  // the old stack's width moves the pointer
  pop_into_segment<T>(cpu, op);
  const u64 sp = cpu->gpr[RSP];
  cpu->gpr[RSP] = mask == 0xffff ? (sp & ~mask) | ((sp + sizeof(T)) & mask) : (sp + sizeof(T)) & mask;
  shadow_next(cpu);
  end_block(cpu, op);
}

template <class T>
void load_far_pointer(Cpu* cpu, const Op* op) {
  const u64 lin = memory_operand(cpu, op, sizeof(T) + 2, false);
  const T offset = load<T>(cpu, op, lin);
  const u16 selector = load<u16>(cpu, op, lin + sizeof(T));
  cpu->current_op = op;
  load_segment(cpu, op->extra, selector);
  write_gpr<T>(cpu, op->destination, offset);
  end_block(cpu, op);  // LSS may have changed the width of the stack
}

Handler select_mov(const Instruction& i, bool) {
  if (i.operands[0].kind == OperandKind::Segment) {
    if (i.operands[0].reg == SS) return operand_in_memory(i, 1) ? mov_to_ss<true> : mov_to_ss<false>;
    return operand_in_memory(i, 1) ? mov_to_segment<true> : mov_to_segment<false>;
  }
  return operand_in_memory(i, 0) ? mov_from_segment<true> : mov_from_segment<false>;
}

Handler select_push(const Instruction& i, bool) {
  switch (i.operand_size) {
    case 2: return push_segment<u16>;
    case 4: return push_segment<u32>;
    default: return push_segment<u64>;
  }
}

Handler select_pop(const Instruction& i, bool) {
  const bool stack = i.operands[0].reg == SS;
  switch (i.operand_size) {
    case 2: return stack ? pop_ss<u16> : pop_segment<u16>;
    case 4: return stack ? pop_ss<u32> : pop_segment<u32>;
    default: return pop_segment<u64>;  // FS and GS are all that 64-bit code can pop
  }
}

Handler select_far_pointer(const Instruction& i, bool) {
  switch (i.operand_size) {
    case 2: return load_far_pointer<u16>;
    case 4: return load_far_pointer<u32>;
    default: return load_far_pointer<u64>;
  }
}

}  // namespace

void add_segment_moves(HandlerTable& table) {
  table.set(Opcode::MovSeg, select_mov);
  table.set(Opcode::PushSeg, select_push);
  table.set(Opcode::PopSeg, select_pop);
  table.set(Opcode::LoadFarPointer, select_far_pointer);
}

void add_descriptor(HandlerTable& table) {
  add_descriptor_tables(table);
  add_descriptor_checks(table);
  add_segment_moves(table);
}

}  // namespace tsbhyve::soft
