// SPDX-License-Identifier: BSD-2-Clause
// Products; quotients where it is plain that they do not fault.
#include "soft/translator/families.h"

namespace tsbhyve::soft {

using namespace host_code;

namespace {

/// Loads it where it lies in memory.
asmjit::Operand factor(Emitter& e, const Operand& from, u32 size) {
  if (!is_memory(from)) return e.source_of(from);
  e.load_operand(size);
  return sized(t0, size);
}

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
  const asmjit::Operand source = factor(e, right, to.size);
  e.clobber();
  const Gp working = e.begin_change(to, !by_immediate);
  if (by_immediate)
    e.a.emit(x86::Inst::kIdImul, working, source, asmjit::imm(static_cast<i64>(instruction.immediate)));
  else
    e.a.emit(x86::Inst::kIdImul, working, source);
  e.keep(to, working);
  e.leave_overlay(FlagOverlay::Overflow, to.size);
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
  const asmjit::Operand source = factor(e, right, right.size);
  e.clobber();
  e.a.emit(e.instruction->opcode == Opcode::Mul ? x86::Inst::kIdMul : x86::Inst::kIdImul, source);
  e.leave_overlay(FlagOverlay::Overflow, right.size);
  return true;
}

}  // namespace

bool translate_multiply(Emitter& e) {
  const Opcode opcode = e.instruction->opcode;
  return opcode == Opcode::Imul2 || opcode == Opcode::Imul3 ? multiply_into(e) : multiply_double(e);
}

bool translate_divide(Emitter& e) {
  const Operand& by = e.instruction->operands[0];
  const bool is_signed = e.instruction->opcode == Opcode::Idiv;
  const u32 size = by.size;
  if (size < 4 || (is_memory(by) && !e.can_address())) return false;
  if (e.live_after) {
    e.prepare_overlay(FlagOverlay::Divided);
    e.overwrite(RAX);
    e.overwrite(RDX);
  }
  e.begin_direct();
  e.clobber();
  Gp divisor = sized(t0, size);
  if (is_memory(by)) {
    const Mem at = e.direct_operand(size, false, false);
    e.a.mov(divisor, at);
  } else {
    divisor = e.value_of(by.reg, size, t0);
  }
  const Gp low = sized(e.home(RAX), size), high = sized(e.home(RDX), size);
  if (is_signed) {
    // The dividend is no longer than the divisor, which is neither zero nor -1.
    const Gp scratch = sized(t1, size);
    e.a.mov(scratch, low);
    e.a.sar(scratch, size * 8 - 1);
    e.a.cmp(scratch, high);
    e.a.jne(e.direct_slow());
    e.a.lea(scratch, x86::ptr(divisor.r64(), 1));
    e.a.cmp(scratch, 1);
    e.a.jbe(e.direct_slow());
    e.a.idiv(divisor);
  } else {
    e.a.cmp(high, divisor);
    e.a.jae(e.direct_slow());
    e.a.div(divisor);
  }
  e.finish_direct();
  e.leave_overlay(FlagOverlay::Divided, size);
  return true;
}

}  // namespace tsbhyve::soft
