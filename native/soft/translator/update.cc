// SPDX-License-Identifier: BSD-2-Clause
// Read-modify-write of memory beyond plain arithmetic: with carry, of one operand, exchanges, and all that is locked.
// What is locked is done by one locked instruction of the host where it is aligned; the host may stop or punish one
// that crosses a cache line, so that is tier 1's.
#include "soft/translator/families.h"

namespace tsbhyve::soft {

using namespace host_code;

namespace {

void capture(Emitter& e) {
  e.a.pushfq();
  e.a.pop(CPU_FIELD(translated.captured));
}

/// Flags that have been captured already.
void flags_captured(Emitter& e, u32 size) {
  if (!e.live_after) return e.drop_flags();
  e.set_flags(FlagOrigin::Captured, size, 0);
  e.now.uncaptured = false;
}

u32 locked_id(Opcode opcode) {
  switch (opcode) {
    case Opcode::Add: return x86::Inst::kIdAdd;
    case Opcode::Or: return x86::Inst::kIdOr;
    case Opcode::And: return x86::Inst::kIdAnd;
    case Opcode::Sub: return x86::Inst::kIdSub;
    case Opcode::Xor: return x86::Inst::kIdXor;
    default: return 0;
  }
}

bool is_logic(Opcode opcode) { return opcode == Opcode::Or || opcode == Opcode::And || opcode == Opcode::Xor; }

/// The host leaves AF of logic as it likes; tier 1 clears it.
void capture_locked(Emitter& e, bool logic, u32 size) {
  if (!e.live_after) return e.drop_flags();
  if (!logic) return e.set_flags(FlagOrigin::Captured, size);
  capture(e);
  e.a.and_(CPU_FIELD32(translated.captured), static_cast<i32>(~flag_af));
  flags_captured(e, size);
}

}  // namespace

/// LOCK ADD and its like, done by one instruction of the host.
bool translate_locked(Emitter& e) {
  const Instruction& instruction = *e.instruction;
  const Operand& to = instruction.operands[0];
  const Operand& from = instruction.operands[1];
  const u32 id = locked_id(instruction.opcode);
  if (id == 0 || !is_memory(to) || is_high(from) || !e.can_address()) return false;
  e.begin_direct();
  e.address();
  const Mem at = e.direct(to.size, true, true);
  asmjit::Operand source = e.source_of(from);
  if (source.isMem()) source = e.value_of(from.reg, to.size, t1);
  e.a.lock();
  e.a.emit(id, at, source);
  e.finish_direct(true);
  capture_locked(e, is_logic(instruction.opcode), to.size);
  return true;
}

/// ADC and SBB of memory. The carry waits in memory while the fast table is looked at.
bool translate_carry_to_memory(Emitter& e) {
  const Operand& to = e.instruction->operands[0];
  const Operand from = e.instruction->operands[1];
  if (e.instruction->lock || is_high(from) || !e.can_address() || !e.has_carry()) return false;
  e.carry_to_host();
  e.a.setc(field(offsetof(Cpu, translated.target), 1));
  e.now.host = 0;
  const u32 id = e.instruction->opcode == Opcode::Adc ? x86::Inst::kIdAdc : x86::Inst::kIdSbb;
  e.update_operand(to.size, [&e, id, size = u32{to.size}, from, live = e.live_after] {
    e.a.bt(CPU_FIELD32(translated.target), 0);
    e.a.emit(id, sized(t1, size), e.source_of(from));
    if (live) capture(e);
  });
  flags_captured(e, to.size);
  return true;
}

/// INC, DEC, NEG and NOT of memory.
bool translate_unary_memory(Emitter& e) {
  const Opcode opcode = e.instruction->opcode;
  const Operand& operand = e.instruction->operands[0];
  if (e.instruction->lock || !e.can_address()) return false;
  const bool counts = opcode == Opcode::Inc || opcode == Opcode::Dec;
  const bool live = e.live_after && opcode != Opcode::Not;
  const FlagOverlay overlay = opcode == Opcode::Inc ? FlagOverlay::Increment : FlagOverlay::Decrement;
  if (live && counts) e.prepare_overlay(overlay);
  e.update_operand(operand.size, [&e, opcode, live, counts, size = u32{operand.size}] {
    const Gp value = sized(t1, size);
    switch (opcode) {
      case Opcode::Inc: e.a.inc(value); break;
      case Opcode::Dec: e.a.dec(value); break;
      case Opcode::Neg: e.a.neg(value); break;
      default: e.a.not_(value); break;
    }
    if (live && !counts) capture(e);
  });
  e.now.host = 0;
  if (opcode == Opcode::Not) return true;
  if (!live) {
    e.drop_flags();
  } else if (counts) {
    e.a.mov(CPU_FIELD(translated.saved_turned), t1);
    e.set_overlay(overlay, operand.size);
    e.now.host = 0;
    e.flags().turned = Emitter::saved();
  } else {
    flags_captured(e, operand.size);
  }
  return true;
}

bool translate_exchange_memory(Emitter& e) {
  const Operand& to = e.instruction->operands[0];
  const Operand& from = e.instruction->operands[1];
  if (!is_memory(to) || !is_register(from) || !e.can_address()) return false;
  if (e.live_after) e.overwrite(from.reg);
  e.begin_direct();
  e.address();
  const Mem at = e.direct(to.size, true, true);
  if (e.has_home(from.reg)) {
    e.a.xchg(at, sized(e.home(from.reg), to.size));
  } else {
    e.a.mov(t1, slot(from.reg));
    e.a.xchg(at, sized(t1, to.size));
    e.a.mov(slot(from.reg), t1);
  }
  e.finish_direct();
  return true;
}

bool translate_exchange_add(Emitter& e) {
  const Operand& to = e.instruction->operands[0];
  const Operand& from = e.instruction->operands[1];
  if (!is_memory(to) || !is_register(from) || !e.can_address()) return false;
  e.begin_direct();
  e.address();
  const Mem at = e.direct(to.size, true, true);
  const Gp value = e.begin_change(from);
  e.a.lock();
  e.a.xadd(at, value);
  e.keep(from, value);
  e.finish_direct(true);
  e.leave_flags(FlagOrigin::Captured, to.size);
  return true;
}

/// The accumulator's home is the host's.
bool translate_compare_exchange(Emitter& e) {
  const Operand& to = e.instruction->operands[0];
  const Operand& from = e.instruction->operands[1];
  if (!is_memory(to) || !is_register(from) || !e.can_address()) return false;
  e.begin_direct();
  e.address();
  const Mem at = e.direct(to.size, true, true);
  const Gp value = e.value_of(from.reg, to.size, t1);
  e.a.lock();
  e.a.cmpxchg(at, value);
  e.finish_direct(true);
  e.leave_flags(FlagOrigin::Captured, to.size);
  return true;
}

}  // namespace tsbhyve::soft
