// SPDX-License-Identifier: BSD-2-Clause
// INC, DEC, NEG, NOT, BSWAP, shifts and rotates, products, single bits.
#include "soft/translator/families.h"

namespace tsbhyve::soft {

using namespace host_code;

namespace {

size_t saved_left() { return offsetof(Cpu, translated.saved_left); }

bool count_one(Emitter& e, x86::Inst::Id id) {
  const Operand& operand = e.instruction->operands[0];
  if (e.live_after) {
    e.prepare_overlay(FlagOverlay::Count);
    e.overwrite(operand.reg);
  }
  const Gp working = e.begin_change(operand);
  e.a.emit(id, working);
  e.keep(operand, working);
  if (e.live_after)
    e.set_overlay(FlagOverlay::Count, operand.size);
  else
    e.drop_flags();
  return true;
}

bool negate(Emitter& e) {
  const Operand& operand = e.instruction->operands[0];
  const Gp working = e.begin_change(operand);
  e.a.neg(working);
  e.keep(operand, working);
  if (!e.live_after) {
    e.drop_flags();
    return true;
  }
  e.set_flags(FlagOrigin::Sub, operand.size);
  e.flags().left = Emitter::constant(0);
  e.flags().result = Emitter::in_register(operand.reg);
  return true;
}

/// NOT and BSWAP leave the flags.
bool transform(Emitter& e) {
  const Operand& operand = e.instruction->operands[0];
  if (e.live_after) e.overwrite(operand.reg);
  const Gp working = e.begin_change(operand);
  if (e.instruction->opcode == Opcode::Not)
    e.a.not_(working);
  else
    e.a.bswap(working);
  e.keep(operand, working);
  return true;
}

bool rotate(Emitter& e, u32 count) {
  const Operand& operand = e.instruction->operands[0];
  const bool left = e.instruction->opcode == Opcode::Rol;
  const FlagOverlay overlay = left ? FlagOverlay::RotateLeft : FlagOverlay::RotateRight;
  if (operand.size < 4) return false;
  if (e.live_after) {
    e.prepare_overlay(overlay);
    e.overwrite(operand.reg);
  }
  e.clobber();
  const Gp working = e.begin_change(operand);
  if (left)
    e.a.rol(working, count);
  else
    e.a.ror(working, count);
  e.keep(operand, working);
  if (!e.live_after) {
    e.drop_flags();
    return true;
  }
  e.set_overlay(overlay, operand.size);
  e.flags().turned = Emitter::in_register(operand.reg);
  return true;
}

void emit_shift(Emitter& e, const Gp& working, const asmjit::Operand& by) {
  switch (e.instruction->opcode) {
    case Opcode::Shl: e.a.emit(x86::Inst::kIdShl, working, by); break;
    case Opcode::Shr: e.a.emit(x86::Inst::kIdShr, working, by); break;
    case Opcode::Sar: e.a.emit(x86::Inst::kIdSar, working, by); break;
    case Opcode::Rol: e.a.emit(x86::Inst::kIdRol, working, by); break;
    default: e.a.emit(x86::Inst::kIdRor, working, by); break;
  }
}

bool shift(Emitter& e, u32 count) {
  const Operand& operand = e.instruction->operands[0];
  const Opcode opcode = e.instruction->opcode;
  const Gp working = e.begin_change(operand);
  if (e.live_after) e.a.mov(field(saved_left()), working.r64());
  emit_shift(e, working, asmjit::imm(count));
  e.keep(operand, working);
  if (!e.live_after) {
    e.drop_flags();
    return true;
  }
  const FlagOrigin origin = opcode == Opcode::Shl   ? FlagOrigin::Shl
                            : opcode == Opcode::Shr ? FlagOrigin::Shr
                                                    : FlagOrigin::Sar;
  const u32 defined = status_flags & ~flag_af;  // OF is only for a count of one
  e.set_flags(origin, operand.size, count == 1 ? defined : defined & ~flag_of);
  e.flags().left = Emitter::saved();
  e.flags().right = Emitter::constant(count);
  return true;
}

/// By CL, which may be zero and then leaves the flags.
bool shift_by_register(Emitter& e) {
  const Operand& operand = e.instruction->operands[0];
  if (e.live_after || operand.size < 4) return false;
  e.drop_flags();
  const Gp working = e.begin_change(operand);
  emit_shift(e, working, x86::cl);
  if (operand.size == 4) e.a.mov(working.r32(), working.r32());
  e.keep(operand, working);
  return true;
}

}  // namespace

bool translate_unary(Emitter& e) {
  const Operand& operand = e.instruction->operands[0];
  if (!is_register(operand)) return false;
  switch (e.instruction->opcode) {
    case Opcode::Inc: return count_one(e, x86::Inst::kIdInc);
    case Opcode::Dec: return count_one(e, x86::Inst::kIdDec);
    case Opcode::Neg: return negate(e);
    case Opcode::Not: return transform(e);
    default: return e.instruction->operand_size >= 4 && transform(e);
  }
}

bool translate_shift(Emitter& e) {
  const Operand& operand = e.instruction->operands[0];
  if (!is_register(operand)) return false;
  if (!is_immediate(e.instruction->operands[1])) return shift_by_register(e);
  const u32 count = static_cast<u32>(e.instruction->immediate) & (operand.size == 8 ? 63 : 31);
  if (count == 0) {
    if (operand.size != 4) return true;
    if (e.live_after) e.overwrite(operand.reg);
    const Gp working = e.begin_change(operand);
    e.a.mov(working, working);
    e.keep(operand, working);
    return true;
  }
  const bool turns = e.instruction->opcode == Opcode::Rol || e.instruction->opcode == Opcode::Ror;
  if (turns) return rotate(e, count);
  if (count >= operand.size * 8u) return false;  // the host's CF would not be defined
  return shift(e, count);
}

namespace {

bool multiply_into(Emitter& e) {
  const Instruction& instruction = *e.instruction;
  const Operand& to = instruction.operands[0];
  const Operand& right = instruction.operands[1];
  const bool by_immediate = instruction.opcode == Opcode::Imul3;
  if (is_memory(right) && !e.can_address()) return false;
  if (e.live_after) {
    e.prepare_overlay(FlagOverlay::Overflow);
    e.overwrite(to.reg);
  }
  asmjit::Operand source;
  if (is_memory(right)) {
    e.address();
    e.load(to.size, e.op->segment);
    source = sized(t0, to.size);
  } else {
    source = e.source_of(right);
  }
  e.clobber();
  const Gp working = e.begin_change(to, !by_immediate);
  if (by_immediate)
    e.a.emit(x86::Inst::kIdImul, working, source, asmjit::imm(static_cast<i64>(instruction.immediate)));
  else
    e.a.emit(x86::Inst::kIdImul, working, source);
  e.keep(to, working);
  if (e.live_after)
    e.set_overlay(FlagOverlay::Overflow, to.size);
  else
    e.drop_flags();
  return true;
}

/// RAX and RDX have their homes where the host's instruction wants them.
bool multiply_double(Emitter& e) {
  const Operand& right = e.instruction->operands[0];
  if (is_high(right) || (is_memory(right) && !e.can_address())) return false;
  if (e.live_after) {
    e.prepare_overlay(FlagOverlay::Overflow);
    e.overwrite(RAX);
    e.overwrite(RDX);
  }
  asmjit::Operand source;
  if (is_memory(right)) {
    e.address();
    e.load(right.size, e.op->segment);
    source = sized(t0, right.size);
  } else {
    source = e.source_of(right);
  }
  e.clobber();
  e.a.emit(e.instruction->opcode == Opcode::Mul ? x86::Inst::kIdMul : x86::Inst::kIdImul, source);
  if (e.live_after)
    e.set_overlay(FlagOverlay::Overflow, right.size);
  else
    e.drop_flags();
  return true;
}

x86::Inst::Id bit_instruction(Opcode opcode) {
  switch (opcode) {
    case Opcode::Bt: return x86::Inst::kIdBt;
    case Opcode::Bts: return x86::Inst::kIdBts;
    case Opcode::Btr: return x86::Inst::kIdBtr;
    default: return x86::Inst::kIdBtc;
  }
}

}  // namespace

bool translate_multiply(Emitter& e) {
  const Opcode opcode = e.instruction->opcode;
  return opcode == Opcode::Imul2 || opcode == Opcode::Imul3 ? multiply_into(e) : multiply_double(e);
}

bool translate_bit(Emitter& e) {
  const Operand& to = e.instruction->operands[0];
  const Operand& which = e.instruction->operands[1];
  const bool changes = e.instruction->opcode != Opcode::Bt;
  if (!is_register(to) || is_high(which)) return false;
  if (e.live_after) {
    e.prepare_overlay(FlagOverlay::Carry);
    if (changes) e.overwrite(to.reg);
  }
  e.clobber();
  asmjit::Operand bit = e.source_of(which);
  if (bit.isImm()) bit = asmjit::imm(e.instruction->immediate & (to.size * 8u - 1));
  if (bit.isMem()) bit = e.value_of(which.reg, to.size, t1);
  const Gp working = e.begin_change(to);
  e.a.emit(bit_instruction(e.instruction->opcode), working, bit);
  if (changes) e.keep(to, working);
  if (e.live_after)
    e.set_overlay(FlagOverlay::Carry, to.size);
  else
    e.drop_flags();
  return true;
}

}  // namespace tsbhyve::soft
