// SPDX-License-Identifier: BSD-2-Clause
// BT .. BTC, BSF, BSR and POPCNT.
#include "soft/translator/families.h"

namespace tsbhyve::soft {

using namespace host_code;

namespace {

x86::Inst::Id bit_instruction(Opcode opcode) {
  switch (opcode) {
    case Opcode::Bt: return x86::Inst::kIdBt;
    case Opcode::Bts: return x86::Inst::kIdBts;
    case Opcode::Btr: return x86::Inst::kIdBtr;
    default: return x86::Inst::kIdBtc;
  }
}

/// BT of memory: with a register, a string of bits that the signed offset reaches far into.
bool test_memory_bit(Emitter& e) {
  const Operand& to = e.instruction->operands[0];
  const Operand& which = e.instruction->operands[1];
  const u32 size = to.size;
  if (size < 4 || e.instruction->address_size != 8 || !e.can_address()) return false;
  if (e.live_after) e.prepare_overlay(FlagOverlay::Carry);
  e.address();
  if (!is_immediate(which)) {
    const Gp bit = e.value_of(which.reg, size, t1);
    if (size == 4)
      e.a.movsxd(t1, bit);
    else if (bit.id() != t1.id())
      e.a.mov(t1, bit);
    e.a.sar(t1, size == 4 ? 5 : 6);
    e.a.lea(t0, x86::ptr(t0, t1, size == 4 ? 2 : 3));
  }
  e.load(size, e.op->segment);
  const Gp value = sized(t0, size);
  if (is_immediate(which))
    e.a.bt(value, asmjit::imm(e.instruction->immediate & (size * 8u - 1)));
  else
    e.a.bt(value, e.value_of(which.reg, size, t1));
  e.leave_overlay(FlagOverlay::Carry, size);
  return true;
}

}  // namespace

bool translate_bit(Emitter& e) {
  const Operand& to = e.instruction->operands[0];
  const Operand& which = e.instruction->operands[1];
  const bool changes = e.instruction->opcode != Opcode::Bt;
  if (is_memory(to) && !changes) return test_memory_bit(e);
  if (!is_register(to) || is_high(which)) return false;
  if (e.live_after) {
    e.prepare_overlay(FlagOverlay::Carry);
    if (changes) e.overwrite(to.reg);
  }
  e.clobber();
  asmjit::Operand bit = e.source_of(which);
  if (bit.isImm()) bit = asmjit::imm(e.instruction->immediate & (to.size * 8u - 1));
  if (bit.isMem()) bit = e.value_of(which.reg, to.size, t0);
  const Gp working = e.begin_change(to);
  e.a.emit(bit_instruction(e.instruction->opcode), working, bit);
  if (changes) e.keep(to, working);
  e.leave_overlay(FlagOverlay::Carry, to.size);
  return true;
}

bool translate_scan(Emitter& e) {
  const Operand& to = e.instruction->operands[0];
  const Operand& from = e.instruction->operands[1];
  if (to.size < 4 || !is_register(from)) return false;
  e.clobber();
  const Gp value = e.value_of(from.reg, to.size, t0), index = sized(t1, to.size);
  const asmjit::Label zero = e.a.newLabel(), done = e.a.newLabel();
  e.a.test(value, value);
  e.a.jz(zero);
  if (e.instruction->opcode == Opcode::Bsf)
    e.a.bsf(index, value);
  else
    e.a.bsr(index, value);
  if (e.has_home(to.reg))
    e.a.mov(sized(e.home(to.reg), to.size), index);
  else
    e.a.mov(slot(to.reg), t1);
  if (e.live_after) {
    e.a.test(t1.r8(), t1.r8());
    e.a.pushfq();
    e.a.pop(t1);
    e.a.and_(t1.r32(), static_cast<i32>(flag_pf));
    e.a.mov(CPU_FIELD(translated.captured), t1);
    e.a.jmp(done);
  }
  e.a.bind(zero);
  if (e.live_after) {
    e.a.mov(CPU_FIELD(translated.captured), static_cast<i32>(flag_zf | flag_pf));
    e.a.bind(done);
    e.set_flags(FlagOrigin::Captured, to.size, 0);
    e.now.uncaptured = false;
  } else {
    e.drop_flags();
  }
  return true;
}

bool translate_popcnt(Emitter& e) {
  static const bool has_popcnt = asmjit::CpuInfo::host().features().x86().hasPOPCNT();
  const Operand& to = e.instruction->operands[0];
  const Operand& from = e.instruction->operands[1];
  if (!has_popcnt || to.size < 4 || !is_register(from)) return false;
  e.clobber();
  const Gp value = e.value_of(from.reg, to.size, t0);
  const Gp into = sized(e.has_home(to.reg) ? e.home(to.reg) : t1, to.size);
  e.a.popcnt(into, value);
  e.keep(to, into);
  e.leave_flags(FlagOrigin::Captured, to.size);
  return true;
}

}  // namespace tsbhyve::soft
