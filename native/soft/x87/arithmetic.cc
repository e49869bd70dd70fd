// SPDX-License-Identifier: BSD-2-Clause
// FADD, FMUL, FSUB, FSUBR, FDIV, FDIVR with registers, reals and integers.
#include "soft/float/arithmetic.h"

#include "soft/x87/groups.h"
#include "soft/x87/source.h"

namespace tsbhyve::soft::x87 {

namespace {

enum class Operation : u8 { Add, Multiply, Subtract, SubtractReversed, Divide, DivideReversed };

template <Operation operation>
fp::Float80 compute(fp::Context& context, const fp::Unpacked& destination, const fp::Unpacked& source) {
  switch (operation) {
    case Operation::Add: return fp::add<fp::Float80>(context, destination, source);
    case Operation::Multiply: return fp::multiply<fp::Float80>(context, destination, source);
    case Operation::Subtract: return fp::subtract<fp::Float80>(context, destination, source);
    case Operation::SubtractReversed: return fp::subtract<fp::Float80>(context, source, destination);
    case Operation::Divide: return fp::divide<fp::Float80>(context, destination, source);
    default: return fp::divide<fp::Float80>(context, source, destination);
  }
}

/// Writes ST(destination); false when an unmasked exception forbids it.
template <Operation operation>
bool deliver(FpuState& fpu, u32 destination, const fp::Unpacked& source) {
  fp::Context context = context_of(fpu);
  const fp::Float80 result = compute<operation>(context, unpacked(fpu, destination), source);
  report(fpu, context);
  if (!completes(context)) return false;
  set(fpu, destination, result);
  return true;
}

bool underflow(FpuState& fpu, u32 destination) {
  const bool masked = stack_fault(fpu, StackFault::underflow);
  if (masked) set(fpu, destination, indefinite());
  return masked;
}

template <Operation operation, bool pops>
void with_register(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  record_instruction(cpu, op);
  FpuState& fpu = cpu->fpu;
  const bool missing = is_empty(fpu, op->destination) || is_empty(fpu, op->source);
  const bool written =
      missing ? underflow(fpu, op->destination) : deliver<operation>(fpu, op->destination, unpacked(fpu, op->source));
  if (pops && written) pop(fpu);
}

template <Operation operation, Source source>
void with_memory(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  const fp::Unpacked operand = load_source<source>(cpu, op);
  record_operand(cpu, op);
  if (is_empty(cpu->fpu, 0)) {
    underflow(cpu->fpu, 0);
  } else {
    deliver<operation>(cpu->fpu, 0, operand);
  }
}

template <Operation operation>
Handler select_real(const Instruction& instruction, bool) {
  const Operand& source = instruction.operands[1];
  if (source.kind != OperandKind::Memory) return run<with_register<operation, false>>;
  return source.size == 4 ? run<with_memory<operation, Source::Single>> : run<with_memory<operation, Source::Double>>;
}

template <Operation operation>
Handler select_integer(const Instruction& instruction, bool) {
  return instruction.operands[0].size == 2 ? run<with_memory<operation, Source::Word>>
                                           : run<with_memory<operation, Source::Doubleword>>;
}

template <Operation operation>
void add_operation(HandlerTable& table, Opcode real, Opcode popping, Opcode integer) {
  table.set(real, select_real<operation>);
  table.set(popping, always<with_register<operation, true>>);
  table.set(integer, select_integer<operation>);
}

}  // namespace

void add_arithmetic(HandlerTable& table) {
  add_operation<Operation::Add>(table, Opcode::Fadd, Opcode::Faddp, Opcode::Fiadd);
  add_operation<Operation::Multiply>(table, Opcode::Fmul, Opcode::Fmulp, Opcode::Fimul);
  add_operation<Operation::Subtract>(table, Opcode::Fsub, Opcode::Fsubp, Opcode::Fisub);
  add_operation<Operation::SubtractReversed>(table, Opcode::Fsubr, Opcode::Fsubrp, Opcode::Fisubr);
  add_operation<Operation::Divide>(table, Opcode::Fdiv, Opcode::Fdivp, Opcode::Fidiv);
  add_operation<Operation::DivideReversed>(table, Opcode::Fdivr, Opcode::Fdivrp, Opcode::Fidivr);
}

}  // namespace tsbhyve::soft::x87
