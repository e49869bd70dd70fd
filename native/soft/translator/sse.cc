// SPDX-License-Identifier: BSD-2-Clause
// SSE and SSE2. The guest's XMM registers stay in memory; the host's serve within an instruction.
#include "soft/translator/families.h"
#include "soft/translator/sse_table.h"

namespace tsbhyve::soft {

using namespace host_code;

namespace {

Mem xmm_slot(u8 number, u32 size = 16) { return field(offsetof(Cpu, xmm) + number * sizeof(Xmm), size); }

bool is_xmm(const Operand& operand) { return operand.kind == OperandKind::Xmm; }

/// The second operand as the host's instruction takes it.
asmjit::Operand second_operand(Emitter& e, u32 size, bool aligned) {
  const Operand& from = e.instruction->operands[1];
  if (!is_memory(from)) return xmm_slot(from.reg, size);
  e.address();
  const Mem at = e.direct(size, false, aligned);
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
  if (counts) {
    e.a.movaps(x86::xmm0, xmm_slot(to.reg));
    e.a.emit(row.id, x86::xmm0, asmjit::imm(instruction.immediate & 0xff));
  } else {
    const asmjit::Operand source = second_operand(e, row.size, row.aligned);
    e.a.movaps(x86::xmm0, xmm_slot(to.reg));
    if (row.immediate)
      e.a.emit(row.id, x86::xmm0, source, asmjit::imm(instruction.immediate & 0xff));
    else
      e.a.emit(row.id, x86::xmm0, source);
  }
  e.a.movaps(xmm_slot(to.reg), x86::xmm0);
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
    e.address();
    const Mem at = e.direct(16, true, aligned);
    e.a.movaps(x86::xmm0, xmm_slot(from.reg));
    e.a.movups(at, x86::xmm0);
  } else if (is_memory(from)) {
    e.address();
    const Mem at = e.direct(16, false, aligned);
    e.a.movups(x86::xmm0, at);
    e.a.movaps(xmm_slot(to.reg), x86::xmm0);
  } else {
    e.a.movaps(x86::xmm0, xmm_slot(from.reg));
    e.a.movaps(xmm_slot(to.reg), x86::xmm0);
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
  e.begin_sse(false);
  if (is_memory(to)) {
    e.address();
    const Mem at = e.direct(size, true, false);
    e.a.mov(sized(t2, size), xmm_slot(from.reg, size));
    e.a.mov(at, sized(t2, size));
  } else if (is_memory(from) || always_clears) {
    asmjit::Operand source = xmm_slot(from.reg, size);
    if (is_memory(from)) {
      e.address();
      source = e.direct(size, false, false);
    }
    e.a.emit(size == 4 ? x86::Inst::kIdMovss : x86::Inst::kIdMovsd, x86::xmm0, source);
    e.a.movaps(xmm_slot(to.reg), x86::xmm0);
  } else {
    e.a.mov(sized(t2, size), xmm_slot(from.reg, size));
    e.a.mov(xmm_slot(to.reg, size), sized(t2, size));
  }
  e.finish_direct();
  return true;
}

/// MOVLPS, MOVHPS, MOVLPD, MOVHPD.
bool move_half(Emitter& e, u32 half) {
  const Operand& to = e.instruction->operands[0];
  const Operand& from = e.instruction->operands[1];
  if (!e.can_address()) return false;
  e.begin_sse(false);
  e.address();
  const auto half_of = [half](u8 number) { return field(offsetof(Cpu, xmm) + number * sizeof(Xmm) + half * 8, 8); };
  const Mem at = e.direct(8, is_memory(to), false);
  if (is_memory(to)) {
    e.a.mov(t2, half_of(from.reg));
    e.a.mov(at, t2);
  } else {
    e.a.mov(t2, at);
    e.a.mov(half_of(to.reg), t2);
  }
  e.finish_direct();
  return true;
}

/// MOVHLPS and MOVLHPS.
bool move_across(Emitter& e, u32 from_half, u32 to_half) {
  const Instruction& instruction = *e.instruction;
  e.begin_sse(false);
  e.a.mov(t2, field(offsetof(Cpu, xmm) + instruction.operands[1].reg * sizeof(Xmm) + from_half * 8, 8));
  e.a.mov(field(offsetof(Cpu, xmm) + instruction.operands[0].reg * sizeof(Xmm) + to_half * 8, 8), t2);
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
  if (to_vector) {
    const Gp value = e.value_of(from.reg, from.size, t2);
    if (from.size == 8)
      e.a.movq(x86::xmm0, value);
    else
      e.a.movd(x86::xmm0, value);
    e.a.movaps(xmm_slot(to.reg), x86::xmm0);
  } else {
    const Gp into = has_home(to.reg) ? home(to.reg) : t2;
    e.a.mov(sized(into, to.size), xmm_slot(from.reg, to.size));
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
  const Gp into = has_home(to.reg) ? home(to.reg) : t2;
  e.a.movaps(x86::xmm0, xmm_slot(from.reg));
  e.a.emit(id, into.r32(), x86::xmm0);
  if (!has_home(to.reg)) e.a.mov(slot(to.reg), into);
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
    e.address();
    const Mem at = e.direct(from.size, false, false);
    e.a.mov(sized(t2, from.size), at);
    source = sized(t2, from.size);
  } else {
    source = e.value_of(from.reg, from.size, t2);
  }
  e.a.movaps(x86::xmm0, xmm_slot(to.reg));
  e.a.emit(id, x86::xmm0, source);
  e.a.movaps(xmm_slot(to.reg), x86::xmm0);
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
  const Gp into = sized(has_home(to.reg) ? home(to.reg) : t2, to.size);
  e.a.emit(id, into, source);
  if (!has_home(to.reg)) e.a.mov(slot(to.reg), into.r64());
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
  e.a.movaps(x86::xmm0, xmm_slot(left.reg));
  e.a.emit(id, x86::xmm0, source);
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
    case Movlpd: return move_half(e, 0);
    case Movhps:
    case Movhpd: return move_half(e, 1);
    case Movhlps: return move_across(e, 1, 0);
    case Movlhps: return move_across(e, 0, 1);
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
