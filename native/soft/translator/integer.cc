// SPDX-License-Identifier: BSD-2-Clause
// INC, DEC, NEG, NOT, BSWAP, shifts and rotates.
#include "soft/translator/families.h"

namespace tsbhyve::soft {

using namespace host_code;

namespace {

bool count_one(Emitter& e, bool up) {
  const Operand& operand = e.instruction->operands[0];
  const FlagOverlay overlay = up ? FlagOverlay::Increment : FlagOverlay::Decrement;
  if (e.live_after) {
    e.prepare_overlay(overlay);
    e.overwrite(operand.reg);
  }
  const Gp working = e.begin_change(operand);
  if (up)
    e.a.inc(working);
  else
    e.a.dec(working);
  e.keep(operand, working);
  if (!e.live_after) {
    e.drop_flags();
    return true;
  }
  e.set_overlay(overlay, operand.size);
  e.flags().turned = Emitter::in_register(operand.reg);
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
  if (e.live_after) e.a.mov(field(flag_slots::left_slot), working.r64());
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
  const Opcode opcode = e.instruction->opcode;
  const bool turns = opcode == Opcode::Rol || opcode == Opcode::Ror;
  if (operand.size < 4 || (turns && e.live_after)) return false;
  if (e.live_after) e.flags_to_memory();
  e.drop_flags();
  const Gp working = e.begin_change(operand);
  if (e.live_after) {
    e.a.mov(field(flag_slots::left_slot), working.r64());
    e.a.mov(t0.r32(), x86::ecx);
    e.a.and_(t0.r32(), operand.size == 8 ? 63 : 31);
    e.a.mov(CPU_FIELD(translated.saved_right), t0);
  }
  emit_shift(e, working, x86::cl);
  if (operand.size == 4) e.a.mov(working.r32(), working.r32());
  e.keep(operand, working);
  if (!e.live_after) return true;
  e.set_overlay(opcode == Opcode::Shl   ? FlagOverlay::ShiftLeft
                : opcode == Opcode::Shr ? FlagOverlay::ShiftRight
                                        : FlagOverlay::ShiftArithmetic,
                operand.size);
  return true;
}

}  // namespace

bool translate_unary(Emitter& e) {
  const Operand& operand = e.instruction->operands[0];
  if (is_memory(operand)) return translate_unary_memory(e);
  if (!is_register(operand)) return false;
  switch (e.instruction->opcode) {
    case Opcode::Inc: return count_one(e, true);
    case Opcode::Dec: return count_one(e, false);
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

}  // namespace tsbhyve::soft
