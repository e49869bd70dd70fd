// SPDX-License-Identifier: BSD-2-Clause
// ADD, OR, ADC, SBB, AND, SUB, XOR, CMP and TEST.
#include "soft/translator/families.h"

namespace tsbhyve::soft {

using namespace host_code;

namespace {

x86::Inst::Id host_instruction(Opcode opcode) {
  switch (opcode) {
    case Opcode::Add: return x86::Inst::kIdAdd;
    case Opcode::Or: return x86::Inst::kIdOr;
    case Opcode::Adc: return x86::Inst::kIdAdc;
    case Opcode::Sbb: return x86::Inst::kIdSbb;
    case Opcode::And: return x86::Inst::kIdAnd;
    case Opcode::Sub: return x86::Inst::kIdSub;
    case Opcode::Xor: return x86::Inst::kIdXor;
    case Opcode::Cmp: return x86::Inst::kIdCmp;
    default: return x86::Inst::kIdTest;
  }
}

bool uses_carry(Opcode opcode) { return opcode == Opcode::Adc || opcode == Opcode::Sbb; }
bool only_compares(Opcode opcode) { return opcode == Opcode::Cmp || opcode == Opcode::Test; }

FlagOrigin origin_of(Opcode opcode) {
  switch (opcode) {
    case Opcode::Add: return FlagOrigin::Add;
    case Opcode::Sub:
    case Opcode::Cmp: return FlagOrigin::Sub;
    case Opcode::Adc:
    case Opcode::Sbb: return FlagOrigin::Captured;
    case Opcode::Test: return FlagOrigin::Test;
    default: return FlagOrigin::Logic;
  }
}

/// Where the second operand of an instruction that has just been done can be found again.
FlagSource right_source(Emitter& e, const Operand& right) {
  if (is_immediate(right)) return Emitter::constant(e.instruction->immediate);
  if (is_register(right)) return Emitter::in_register(right.reg);
  e.a.mov(field(flag_slots::right_slot), t0);
  return Emitter::saved();
}

/// CMP and TEST: `left` is a register with the first operand.
bool compare(Emitter& e, const Gp& left, FlagSource left_source, const asmjit::Operand& right,
             FlagSource right_source) {
  e.a.emit(host_instruction(e.instruction->opcode), left, right);
  if (!e.live_after) {
    e.drop_flags();
    return true;
  }
  const auto& operands = e.instruction->operands;
  if (e.instruction->opcode == Opcode::Test && is_register(operands[1]) && operands[1].reg == operands[0].reg &&
      is_register(operands[0])) {
    e.set_flags(FlagOrigin::Logic, operands[0].size);
    e.flags().result = left_source;
    return true;
  }
  e.set_flags(origin_of(e.instruction->opcode), operands[0].size);
  e.flags().left = left_source;
  e.flags().right = right_source;
  return true;
}

bool compare_high(Emitter& e) {
  const Operand& left = e.instruction->operands[0];
  const Operand& right = e.instruction->operands[1];
  if (is_memory(left) || is_memory(right)) return false;
  const Gp first = e.value_of(left, t0);
  const asmjit::Operand second = is_immediate(right) ? e.source_of(right) : e.value_of(right, t1);
  if (e.live_after) {
    e.a.mov(field(flag_slots::left_slot), first.r64());
    if (second.isReg()) e.a.mov(field(flag_slots::right_slot), second.as<Gp>().r64());
  }
  return compare(e, first, Emitter::saved(), second,
                 is_immediate(right) ? Emitter::constant(e.instruction->immediate) : Emitter::saved());
}

bool compare_memory_first(Emitter& e) {
  const Operand& left = e.instruction->operands[0];
  const Operand& right = e.instruction->operands[1];
  e.load_operand(left.size);
  if (e.live_after) e.a.mov(field(flag_slots::left_slot), t0);
  FlagSource second =
      is_immediate(right) ? Emitter::constant(e.instruction->immediate) : Emitter::in_register(right.reg);
  asmjit::Operand with = e.source_of(right);
  if (with.isMem()) with = e.value_of(right.reg, right.size, t1);
  return compare(e, sized(t0, left.size), Emitter::saved(), with, second);
}

bool to_register(Emitter& e) {
  const Opcode opcode = e.instruction->opcode;
  const Operand& left = e.instruction->operands[0];
  const Operand& right = e.instruction->operands[1];
  const u32 size = left.size;
  asmjit::Operand source;
  if (is_memory(right)) {
    e.load_operand(size);
    source = sized(t0, size);
    if (uses_carry(opcode)) {  // t0 serves to bring the carry
      e.a.mov(CPU_FIELD(translated.target), t0);
      source = field(offsetof(Cpu, translated.target), size);
    }
  } else {
    source = e.source_of(right);
  }
  if (opcode == Opcode::Test && source.isMem()) source = e.value_of(right.reg, size, t0);
  if (only_compares(opcode)) {
    const FlagSource second = e.live_after ? right_source(e, right) : FlagSource{};
    const Gp first = e.value_of(left.reg, size, t1);
    return compare(e, first, Emitter::in_register(left.reg), source, second);
  }
  if (uses_carry(opcode)) e.carry_to_host();
  const Gp working = e.begin_change(left);
  const FlagOrigin origin = origin_of(opcode);
  const bool on_itself = is_register(right) && right.reg == left.reg;
  const bool wants_right = e.live_after && (origin == FlagOrigin::Add || origin == FlagOrigin::Sub);
  FlagSource second;
  if (wants_right && on_itself) {
    e.a.mov(field(flag_slots::right_slot), working.r64());
    second = Emitter::saved();
  } else if (wants_right) {
    second = right_source(e, right);
  }
  e.a.emit(host_instruction(opcode), working, source);
  e.keep(left, working);
  if (!e.live_after) {
    e.drop_flags();
    return true;
  }
  e.set_flags(origin, size);
  e.flags().right = second;
  e.flags().result = Emitter::in_register(left.reg);
  return true;
}

bool to_memory(Emitter& e) {
  const Opcode opcode = e.instruction->opcode;
  const Operand& left = e.instruction->operands[0];
  const Operand& right = e.instruction->operands[1];
  if (e.instruction->lock) return translate_locked(e);
  if (uses_carry(opcode)) return translate_carry_to_memory(e);
  e.update_operand(left.size, [&e, opcode, left, right] {
    e.a.emit(host_instruction(opcode), sized(t1, left.size), e.source_of(right));
  });
  e.now.host = 0;
  if (!e.live_after) {
    e.drop_flags();
    return true;
  }
  e.a.mov(field(flag_slots::result_slot), t1);
  e.set_flags(origin_of(opcode), left.size, 0);
  e.flags().result = Emitter::saved();
  e.flags().right = is_immediate(right) ? Emitter::constant(e.instruction->immediate) : Emitter::in_register(right.reg);
  return true;
}

}  // namespace

bool translate_arithmetic(Emitter& e) {
  const Opcode opcode = e.instruction->opcode;
  const Operand& left = e.instruction->operands[0];
  const Operand& right = e.instruction->operands[1];
  if (uses_carry(opcode) && !e.has_carry()) return false;
  if (is_high(left) || is_high(right)) return only_compares(opcode) && compare_high(e);
  if ((is_memory(left) || is_memory(right)) && !e.can_address()) return false;
  if (!is_memory(left)) return to_register(e);
  return only_compares(opcode) ? compare_memory_first(e) : to_memory(e);
}

}  // namespace tsbhyve::soft
