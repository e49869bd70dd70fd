// SPDX-License-Identifier: BSD-2-Clause
// FLD, FILD, FBLD and the constants: everything that pushes one value.
#include <bit>

#include "soft/float/convert.h"
#include "soft/float/integer.h"
#include "soft/x87/access.h"
#include "soft/x87/groups.h"

namespace tsbhyve::soft::x87 {

namespace {

/// A single or double: may be a signaling NaN or denormal. A full stack comes first.
void push_converted(FpuState& fpu, const fp::Unpacked& value) {
  fp::Context context = context_of(fpu);
  if (is_empty(fpu, 7)) {
    const fp::Float80 converted = fp::convert<fp::Float80>(context, value);
    report(fpu, context);
    if (!context.raised(fp::invalid) || context.masked(fp::invalid)) push(fpu, converted);
  } else {
    push_checked(fpu, indefinite());
  }
}

void load_single(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  const fp::Float32 value{load_operand<u32>(cpu, op)};
  record_operand(cpu, op);
  push_converted(cpu->fpu, unpack(fp::Context{}, value));
}

void load_double(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  const fp::Float64 value{load_operand<u64>(cpu, op)};
  record_operand(cpu, op);
  push_converted(cpu->fpu, unpack(fp::Context{}, value));
}

void load_extended(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  const fp::Float80 value = load80(cpu, op, operand_address(cpu, op, 10, false));
  record_operand(cpu, op);
  push_checked(cpu->fpu, value);
}

void load_register(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  record_instruction(cpu, op);
  FpuState& fpu = cpu->fpu;
  if (is_empty(fpu, op->destination)) {
    if (stack_fault(fpu, StackFault::underflow)) push(fpu, indefinite());
    return;
  }
  push_checked(fpu, get(fpu, op->destination));
}

template <class T>
void load_integer(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  const auto value = std::bit_cast<std::make_signed_t<T>>(load_operand<T>(cpu, op));
  record_operand(cpu, op);
  fp::Context context;
  push_checked(cpu->fpu, fp::from_integer<fp::Float80>(context, value));
}

void fbld(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  const fp::Float80 bytes = load80(cpu, op, operand_address(cpu, op, 10, false));
  record_operand(cpu, op);
  fp::PackedDecimal decimal{};
  for (u32 i = 0; i < 8; i++) decimal[i] = static_cast<u8>(bytes.significand >> (8 * i));
  decimal[8] = static_cast<u8>(bytes.sign_exponent);
  decimal[9] = static_cast<u8>(bytes.sign_exponent >> 8);
  push_checked(cpu->fpu, fp::from_decimal(decimal));
}

template <fp::Constant name>
void load_constant(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  record_instruction(cpu, op);
  push_checked(cpu->fpu, fp::constant(context_of(cpu->fpu), name));
}

Handler select_load(const Instruction& instruction, bool) {
  const Operand& operand = instruction.operands[0];
  if (operand.kind != OperandKind::Memory) return run<load_register>;
  if (operand.size == 4) return run<load_single>;
  return operand.size == 8 ? run<load_double> : run<load_extended>;
}

Handler select_integer_load(const Instruction& instruction, bool) {
  const u8 size = instruction.operands[0].size;
  if (size == 2) return run<load_integer<u16>>;
  return size == 4 ? run<load_integer<u32>> : run<load_integer<u64>>;
}

}  // namespace

void add_load(HandlerTable& table) {
  table.set(Opcode::Fld, select_load);
  table.set(Opcode::Fild, select_integer_load);
  table.set(Opcode::Fbld, always<fbld>);
  table.set(Opcode::Fld1, always<load_constant<fp::Constant::one>>);
  table.set(Opcode::Fldl2t, always<load_constant<fp::Constant::log2_10>>);
  table.set(Opcode::Fldl2e, always<load_constant<fp::Constant::log2_e>>);
  table.set(Opcode::Fldpi, always<load_constant<fp::Constant::pi>>);
  table.set(Opcode::Fldlg2, always<load_constant<fp::Constant::log10_2>>);
  table.set(Opcode::Fldln2, always<load_constant<fp::Constant::ln_2>>);
  table.set(Opcode::Fldz, always<load_constant<fp::Constant::zero>>);
}

}  // namespace tsbhyve::soft::x87
