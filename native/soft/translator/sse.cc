// SPDX-License-Identifier: BSD-2-Clause
// SSE to SSE4.2.
#include "soft/translator/families.h"
#include "soft/translator/sse_table.h"

namespace tsbhyve::soft {

using namespace host_code;

namespace {

bool is_xmm(const Operand& operand) { return operand.kind == OperandKind::Xmm; }

/// The second operand as the host's instruction takes it.
asmjit::Operand second_operand(Emitter& e, u32 size, bool aligned) {
  const Operand& from = e.instruction->operands[1];
  if (!is_memory(from)) return e.vector_of(from.reg, x86::xmm1);
  const Mem at = e.direct_operand(size, false, aligned);
  if (size < 16 || aligned) return at;
  e.a.movups(x86::xmm1, at);
  return x86::xmm1;
}

bool operate(Emitter& e, const SseRow& row) {
  const Instruction& instruction = *e.instruction;
  const Operand& to = instruction.operands[0];
  const Operand& from = instruction.operands[1];
  const bool counts = is_immediate(from);  // shifts of a register
  if (!is_xmm(to) || !(is_xmm(from) || is_memory(from) || counts)) return false;
  if (is_memory(from) && !e.can_address()) return false;
  e.begin_sse(row.is_float);
  asmjit::Operand source = asmjit::imm(instruction.immediate & 0xff);
  if (!counts) source = second_operand(e, row.size, row.aligned);
  const x86::Xmm working = e.vector_of(to.reg, x86::xmm0);
  if (row.immediate)
    e.a.emit(row.id, working, source, asmjit::imm(instruction.immediate & 0xff));
  else
    e.a.emit(row.id, working, source);
  e.keep_vector(to.reg, working);
  e.finish_direct();
  return true;
}

/// Whole registers.
bool move_whole(Emitter& e, bool aligned) {
  const Operand& to = e.instruction->operands[0];
  const Operand& from = e.instruction->operands[1];
  if ((is_memory(to) || is_memory(from)) && !e.can_address()) return false;
  e.begin_sse(false);
  if (is_memory(to)) {
    const Mem at = e.direct_operand(16, true, aligned);
    e.a.movups(at, e.vector_of(from.reg, x86::xmm1));
  } else if (is_memory(from)) {
    const Mem at = e.direct_operand(16, false, aligned);
    const x86::Xmm into = Emitter::vector_for(to.reg);
    e.a.movups(into, at);
    e.keep_vector(to.reg, into);
  } else {
    const x86::Xmm value = e.vector_of(from.reg, x86::xmm1), into = Emitter::vector_for(to.reg);
    e.a.movaps(into, value);
    e.keep_vector(to.reg, into);
  }
  e.finish_direct();
  return true;
}

/// MOVSS, MOVSD, and MOVQ with no general register: the low part. Loads clear the rest; MOVQ always does.
bool move_low(Emitter& e, u32 size, bool always_clears) {
  const Operand& to = e.instruction->operands[0];
  const Operand& from = e.instruction->operands[1];
  if (!(is_xmm(to) || is_memory(to)) || !(is_xmm(from) || is_memory(from))) return false;
  if ((is_memory(to) || is_memory(from)) && !e.can_address()) return false;
  const u32 id = size == 4 ? x86::Inst::kIdMovss : x86::Inst::kIdMovsd;
  e.begin_sse(false);
  if (is_memory(to)) {
    const Mem at = e.direct_operand(size, true, false);
    e.a.emit(id, at, e.vector_of(from.reg, x86::xmm1));
  } else if (is_memory(from)) {
    const Mem at = e.direct_operand(size, false, false);
    const x86::Xmm into = Emitter::vector_for(to.reg);
    e.a.emit(id, into, at);
    e.keep_vector(to.reg, into);
  } else {
    const x86::Xmm value = e.vector_of(from.reg, x86::xmm1);
    const x86::Xmm into = always_clears ? Emitter::vector_for(to.reg) : e.vector_of(to.reg, x86::xmm0);
    e.a.emit(always_clears ? x86::Inst::kIdMovq : id, into, value);
    e.keep_vector(to.reg, into);
  }
  e.finish_direct();
  return true;
}

/// MOVLPS, MOVHPS, MOVLPD, MOVHPD.
bool move_half(Emitter& e, u32 id) {
  const Operand& to = e.instruction->operands[0];
  const Operand& from = e.instruction->operands[1];
  if (!e.can_address()) return false;
  e.begin_sse(false);
  const Mem at = e.direct_operand(8, is_memory(to), false);
  if (is_memory(to)) {
    e.a.emit(id, at, e.vector_of(from.reg, x86::xmm1));
  } else {
    const x86::Xmm working = e.vector_of(to.reg, x86::xmm0);
    e.a.emit(id, working, at);
    e.keep_vector(to.reg, working);
  }
  e.finish_direct();
  return true;
}

/// MOVHLPS and MOVLHPS.
bool move_across(Emitter& e, u32 id) {
  const Instruction& instruction = *e.instruction;
  e.begin_sse(false);
  const x86::Xmm value = e.vector_of(instruction.operands[1].reg, x86::xmm1);
  const x86::Xmm working = e.vector_of(instruction.operands[0].reg, x86::xmm0);
  e.a.emit(id, working, value);
  e.keep_vector(instruction.operands[0].reg, working);
  e.finish_direct();
  return true;
}

/// MOVD, and MOVQ by another name: one side is a general register or memory.
bool move_general(Emitter& e) {
  const Operand& to = e.instruction->operands[0];
  const Operand& from = e.instruction->operands[1];
  const bool to_vector = is_xmm(to);
  if (!to_vector && !is_xmm(from)) return false;
  if (is_memory(to) || is_memory(from)) return move_low(e, to_vector ? from.size : to.size, true);
  if (e.live_after && !to_vector) e.overwrite(to.reg);
  e.begin_sse(false);
  const u32 size = to_vector ? from.size : to.size, id = size == 8 ? x86::Inst::kIdMovq : x86::Inst::kIdMovd;
  if (to_vector) {
    const x86::Xmm into = Emitter::vector_for(to.reg);
    e.a.emit(id, into, e.value_of(from.reg, size, t1));
    e.keep_vector(to.reg, into);
  } else {
    const Gp into = e.has_home(to.reg) ? e.home(to.reg) : t1;
    e.a.emit(id, sized(into, size), e.vector_of(from.reg, x86::xmm1));
    e.keep(to, into);
  }
  e.finish_direct();
  return true;
}

/// PMOVMSKB, MOVMSKPS, MOVMSKPD.
bool signs(Emitter& e, u32 id) {
  const Operand& to = e.instruction->operands[0];
  const Operand& from = e.instruction->operands[1];
  if (!is_xmm(from)) return false;
  if (e.live_after) e.overwrite(to.reg);
  e.begin_sse(false);
  const Gp into = e.has_home(to.reg) ? e.home(to.reg) : t1;
  e.a.emit(id, into.r32(), e.vector_of(from.reg, x86::xmm1));
  if (!e.has_home(to.reg)) e.a.mov(slot(to.reg), into);
  e.finish_direct();
  return true;
}

bool from_general(Emitter& e, u32 id) {
  const Operand& to = e.instruction->operands[0];
  const Operand& from = e.instruction->operands[1];
  if (is_memory(from) && !e.can_address()) return false;
  e.begin_sse(true);
  asmjit::Operand source;
  if (is_memory(from)) {
    const Mem at = e.direct_operand(from.size, false, false);
    e.a.mov(sized(t1, from.size), at);
    source = sized(t1, from.size);
  } else {
    source = e.value_of(from.reg, from.size, t1);
  }
  const x86::Xmm working = e.vector_of(to.reg, x86::xmm0);
  e.a.emit(id, working, source);
  e.keep_vector(to.reg, working);
  e.finish_direct();
  return true;
}

bool to_general(Emitter& e, u32 id, u32 size) {
  const Operand& to = e.instruction->operands[0];
  const Operand& from = e.instruction->operands[1];
  if (is_memory(from) && !e.can_address()) return false;
  if (e.live_after) e.overwrite(to.reg);
  e.begin_sse(true);
  const asmjit::Operand source = second_operand(e, size, false);
  const Gp into = sized(e.has_home(to.reg) ? e.home(to.reg) : t1, to.size);
  e.a.emit(id, into, source);
  if (!e.has_home(to.reg)) e.a.mov(slot(to.reg), into.r64());
  e.finish_direct();
  return true;
}

/// COMISS and its like write all flags.
bool compare(Emitter& e, u32 id, u32 size) {
  const Operand& left = e.instruction->operands[0];
  const Operand& right = e.instruction->operands[1];
  if (is_memory(right) && !e.can_address()) return false;
  e.begin_sse(true);
  const asmjit::Operand source = second_operand(e, size, false);
  e.a.emit(id, e.vector_of(left.reg, x86::xmm0), source);
  e.finish_direct(true);
  e.leave_flags(FlagOrigin::Captured, 8);
  return true;
}

}  // namespace

bool translate_sse(Emitter& e) {
  using enum Opcode;
  namespace Inst = x86::Inst;
  const Opcode opcode = e.instruction->opcode;
  if (const SseRow row = sse_row(opcode); row.id) return operate(e, row);
  switch (opcode) {
    case Movups:
    case Movupd:
    case Movdqu: return move_whole(e, false);
    case Movaps:
    case Movapd:
    case Movdqa:
    case Movntps:
    case Movntpd:
    case Movntdq: return move_whole(e, true);
    case Movss: return move_low(e, 4, false);
    case Movsd: return move_low(e, 8, false);
    case Movq: return move_low(e, 8, true);
    case Movd: return move_general(e);
    case Movlps:
    case Movlpd: return move_half(e, Inst::kIdMovlps);
    case Movhps:
    case Movhpd: return move_half(e, Inst::kIdMovhps);
    case Movhlps: return move_across(e, Inst::kIdMovhlps);
    case Movlhps: return move_across(e, Inst::kIdMovlhps);
    case Pmovmskb: return signs(e, Inst::kIdPmovmskb);
    case Movmskps: return signs(e, Inst::kIdMovmskps);
    case Movmskpd: return signs(e, Inst::kIdMovmskpd);
    case Cvtsi2ss: return from_general(e, Inst::kIdCvtsi2ss);
    case Cvtsi2sd: return from_general(e, Inst::kIdCvtsi2sd);
    case Cvtss2si: return to_general(e, Inst::kIdCvtss2si, 4);
    case Cvttss2si: return to_general(e, Inst::kIdCvttss2si, 4);
    case Cvtsd2si: return to_general(e, Inst::kIdCvtsd2si, 8);
    case Cvttsd2si: return to_general(e, Inst::kIdCvttsd2si, 8);
    case Comiss: return compare(e, Inst::kIdComiss, 4);
    case Comisd: return compare(e, Inst::kIdComisd, 8);
    case Ucomiss: return compare(e, Inst::kIdUcomiss, 4);
    case Ucomisd: return compare(e, Inst::kIdUcomisd, 8);
    default: return false;
  }
}

}  // namespace tsbhyve::soft
