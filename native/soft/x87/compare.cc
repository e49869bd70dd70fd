// SPDX-License-Identifier: BSD-2-Clause
// FCOM, FUCOM, FICOM, FCOMI, FUCOMI, FTST, FXAM.
#include "soft/float/compare.h"

#include "soft/flags.h"
#include "soft/x87/groups.h"
#include "soft/x87/source.h"

namespace tsbhyve::soft::x87 {

namespace {

using fp::Comparison;
using fp::Relation;

/// SDM volume 1, table 8-5.
u32 codes_of(Relation relation) {
  switch (relation) {
    case Relation::greater: return 0;
    case Relation::less: return code_c0;
    case Relation::equal: return code_c3;
    default: return u32{code_c3} | code_c2 | code_c0;
  }
}

/// SDM volume 1, table 8-6.
u32 flags_of(Relation relation) {
  switch (relation) {
    case Relation::greater: return 0;
    case Relation::less: return flag_cf;
    case Relation::equal: return flag_zf;
    default: return flag_zf | flag_pf | flag_cf;
  }
}

struct Outcome {
  Relation relation;
  bool completed;
};

Outcome compare_with(FpuState& fpu, Comparison comparison, const fp::Unpacked& operand) {
  fp::Context context = context_of(fpu);
  const Relation relation = fp::compare(context, comparison, unpacked(fpu, 0), operand);
  report(fpu, context);
  return {relation, completes(context)};
}

Outcome underflow(FpuState& fpu) { return {Relation::unordered, stack_fault(fpu, StackFault::underflow)}; }

Outcome compare_registers(FpuState& fpu, Comparison comparison, u32 i) {
  if (is_empty(fpu, 0) || is_empty(fpu, i)) return underflow(fpu);
  return compare_with(fpu, comparison, unpacked(fpu, i));
}

void finish(FpuState& fpu, const Outcome& outcome, u32 pops) {
  if (!outcome.completed) return;
  set_codes(fpu, u32{code_c3} | code_c2 | code_c0, codes_of(outcome.relation));
  pop(fpu, pops);
}

template <Comparison comparison, u32 pops>
void with_register(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  record_instruction(cpu, op);
  // FCOMPP and FUCOMPP carry no operand and mean ST(1).
  const u32 i = pops == 2 ? 1 : op->destination;
  finish(cpu->fpu, compare_registers(cpu->fpu, comparison, i), pops);
}

template <Source source, u32 pops>
void with_memory(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  const fp::Unpacked operand = load_source<source>(cpu, op);
  record_operand(cpu, op);
  FpuState& fpu = cpu->fpu;
  finish(fpu, is_empty(fpu, 0) ? underflow(fpu) : compare_with(fpu, Comparison::signaling, operand), pops);
}

template <Comparison comparison, u32 pops>
void to_flags(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  record_instruction(cpu, op);
  const Outcome outcome = compare_registers(cpu->fpu, comparison, op->source);
  if (!outcome.completed) return;
  write_status_flags(cpu, flags_of(outcome.relation));
  pop(cpu->fpu, pops);
}

void ftst(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  record_instruction(cpu, op);
  FpuState& fpu = cpu->fpu;
  finish(fpu, is_empty(fpu, 0) ? underflow(fpu) : compare_with(fpu, Comparison::signaling, fp::make_zero(false)), 0);
}

/// SDM volume 1, table 8-7.
u32 class_codes(const FpuState& fpu) {
  if (is_empty(fpu, 0)) return u32{code_c3} | code_c0;
  const fp::Unpacked value = unpacked(fpu, 0);
  switch (value.kind) {
    case fp::Kind::unsupported: return 0;
    case fp::Kind::zero: return code_c3;
    case fp::Kind::infinity: return u32{code_c2} | code_c0;
    case fp::Kind::finite: return value.denormal ? u32{code_c3} | code_c2 : u32{code_c2};
    default: return code_c0;
  }
}

void fxam(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  record_instruction(cpu, op);
  const bool sign = (get(cpu->fpu, 0).sign_exponent & 0x8000) != 0;
  set_codes(cpu->fpu, status_codes, class_codes(cpu->fpu) | (sign ? code_c1 : 0u));
}

template <u32 pops>
Handler select_real(const Instruction& instruction, bool) {
  const Operand& operand = instruction.operands[0];
  if (operand.kind != OperandKind::Memory) return run<with_register<Comparison::signaling, pops>>;
  return operand.size == 4 ? run<with_memory<Source::Single, pops>> : run<with_memory<Source::Double, pops>>;
}

template <u32 pops>
Handler select_integer(const Instruction& instruction, bool) {
  return instruction.operands[0].size == 2 ? run<with_memory<Source::Word, pops>>
                                           : run<with_memory<Source::Doubleword, pops>>;
}

}  // namespace

void add_compare(HandlerTable& table) {
  table.set(Opcode::Fcom, select_real<0>);
  table.set(Opcode::Fcomp, select_real<1>);
  table.set(Opcode::Fcompp, always<with_register<Comparison::signaling, 2>>);
  table.set(Opcode::Ficom, select_integer<0>);
  table.set(Opcode::Ficomp, select_integer<1>);
  table.set(Opcode::Fucom, always<with_register<Comparison::quiet, 0>>);
  table.set(Opcode::Fucomp, always<with_register<Comparison::quiet, 1>>);
  table.set(Opcode::Fucompp, always<with_register<Comparison::quiet, 2>>);
  table.set(Opcode::Fcomi, always<to_flags<Comparison::signaling, 0>>);
  table.set(Opcode::Fcomip, always<to_flags<Comparison::signaling, 1>>);
  table.set(Opcode::Fucomi, always<to_flags<Comparison::quiet, 0>>);
  table.set(Opcode::Fucomip, always<to_flags<Comparison::quiet, 1>>);
  table.set(Opcode::Ftst, always<ftst>);
  table.set(Opcode::Fxam, always<fxam>);
}

}  // namespace tsbhyve::soft::x87
