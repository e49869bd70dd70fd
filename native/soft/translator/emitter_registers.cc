// SPDX-License-Identifier: BSD-2-Clause
#include "soft/translator/emitter.h"

namespace tsbhyve::soft {

using namespace host_code;

Gp Emitter::value_of(u8 guest, u32 size, const Gp& spare) {
  if (has_home(guest)) return sized(home(guest), size);
  if (size < 4)
    a.movzx(spare.r32(), slot(guest, size));
  else
    a.mov(sized(spare, size), slot(guest, size));
  return sized(spare, size);
}

Gp Emitter::value_of(const Operand& operand, const Gp& spare) {
  if (operand.kind != OperandKind::GprHigh) return value_of(operand.reg, operand.size, spare);
  clobber();
  a.mov(spare.r32(), value_of(operand.reg, 4, spare));
  a.shr(spare.r32(), 8);
  return spare.r8();
}

asmjit::Operand Emitter::source_of(const Operand& operand) {
  if (operand.kind == OperandKind::Immediate) return asmjit::imm(static_cast<i64>(instruction->immediate));
  if (has_home(operand.reg)) return sized(home(operand.reg), operand.size);
  return slot(operand.reg, operand.size);
}

Gp Emitter::begin_change(const Operand& operand, bool needs_old) {
  if (has_home(operand.reg)) return sized(home(operand.reg), operand.size);
  if (needs_old || operand.size < 4) a.mov(t1, slot(operand.reg));
  return sized(t1, operand.size);
}

void Emitter::keep(const Operand& operand, const Gp& working) {
  if (!has_home(operand.reg)) a.mov(slot(operand.reg), working.r64());
}

void Emitter::overwrite(u8 guest) {
  const auto save = [&](FlagSource& source, size_t to) {
    if (source.kind != FlagSource::Kind::Register || source.reg != guest) return;
    const bool as_it_is = source.value == 0 && has_home(source.reg);
    if (!as_it_is) fetch(source, to, t1);
    a.mov(field(to), as_it_is ? home(source.reg) : t1);
    source = saved();
  };
  save(now.flags.left, flag_slots::left_slot);
  save(now.flags.right, flag_slots::right_slot);
  save(now.flags.result, flag_slots::result_slot);
  save(now.flags.turned, flag_slots::turned_slot);
}

void Emitter::moved(u8 guest, i32 by) {
  for (FlagSource* source : {&now.flags.left, &now.flags.right, &now.flags.result, &now.flags.turned}) {
    if (source->kind == FlagSource::Kind::Register && source->reg == guest) source->value -= by;
  }
}

}  // namespace tsbhyve::soft
