// SPDX-License-Identifier: BSD-2-Clause
// Functions of ST(0), or of ST(0) and ST(1): FSQRT to FSINCOS.
#include "soft/float/arithmetic.h"
#include "soft/float/integer.h"
#include "soft/float/remainder.h"
#include "soft/float/transcendental.h"
#include "soft/x87/groups.h"
#include "soft/x87/source.h"

namespace tsbhyve::soft::x87 {

namespace {

/// The prologue of all of them; false when one of the first `count` registers is empty.
bool operands_present(Cpu* cpu, const Op* op, u32 count) {
  require_ready(cpu, op);
  record_instruction(cpu, op);
  for (u32 i = 0; i < count; i++) {
    if (is_empty(cpu->fpu, i)) return false;
  }
  return true;
}

void underflow(FpuState& fpu) {
  if (stack_fault(fpu, StackFault::underflow)) set(fpu, 0, indefinite());
}

/// The same for instructions that report in C2 whether they are complete.
void underflow_completely(FpuState& fpu) {
  set_codes(fpu, code_c2, 0);
  underflow(fpu);
}

void deliver(FpuState& fpu, const fp::Context& context, const fp::Float80& result) {
  report(fpu, context);
  if (completes(context)) set(fpu, 0, result);
}

using Unary = fp::Float80 (*)(fp::Context&, const fp::Unpacked&);
using Binary = fp::Float80 (*)(fp::Context&, const fp::Unpacked&, const fp::Unpacked&);

fp::Float80 round_by_mode(fp::Context& context, const fp::Unpacked& value) {
  return fp::round_to_integral<fp::Float80>(context, context.rounding, value);
}

template <Unary function>
void unary(Cpu* cpu, const Op* op) {
  FpuState& fpu = cpu->fpu;
  if (!operands_present(cpu, op, 1)) return underflow(fpu);
  fp::Context context = context_of(fpu);
  deliver(fpu, context, function(context, unpacked(fpu, 0)));
}

void fscale(Cpu* cpu, const Op* op) {
  FpuState& fpu = cpu->fpu;
  if (!operands_present(cpu, op, 2)) return underflow(fpu);
  fp::Context context = context_of(fpu);
  deliver(fpu, context, fp::scale(context, unpacked(fpu, 0), unpacked(fpu, 1)));
}

/// FPATAN, FYL2X, FYL2XP1: ST(1) and ST(0) are replaced by one result.
template <Binary function>
void popping(Cpu* cpu, const Op* op) {
  FpuState& fpu = cpu->fpu;
  fp::Float80 result = indefinite();
  if (operands_present(cpu, op, 2)) {
    fp::Context context = context_of(fpu);
    result = function(context, unpacked(fpu, 1), unpacked(fpu, 0));
    report(fpu, context);
    if (!completes(context)) return;
  } else if (!stack_fault(fpu, StackFault::underflow)) {
    return;
  }
  set(fpu, 1, result);
  pop(fpu);
}

template <fp::Quotient kind>
void remainder(Cpu* cpu, const Op* op) {
  FpuState& fpu = cpu->fpu;
  if (!operands_present(cpu, op, 2)) return underflow_completely(fpu);
  fp::Context context = context_of(fpu);
  const fp::Remainder result = fp::remainder(context, kind, unpacked(fpu, 0), unpacked(fpu, 1));
  deliver(fpu, context, result.value);
  if (!result.divided) return set_codes(fpu, code_c2, 0);
  const u32 quotient = result.quotient;
  set_codes(fpu, status_codes,
            (quotient & 4 ? u32{code_c0} : 0) | (quotient & 2 ? u32{code_c3} : 0) | (quotient & 1 ? u32{code_c1} : 0) |
                (result.incomplete ? u32{code_c2} : 0));
}

using Circular = fp::Circular (*)(fp::Context&, const fp::Unpacked&);

template <Circular function>
void circular(Cpu* cpu, const Op* op) {
  FpuState& fpu = cpu->fpu;
  if (!operands_present(cpu, op, 1)) return underflow_completely(fpu);
  fp::Context context = context_of(fpu);
  const fp::Circular result = function(context, unpacked(fpu, 0));
  deliver(fpu, context, result.value);
  set_codes(fpu, code_c2, result.out_of_range ? code_c2 : 0u);
}

/// ST(0) is empty, or ST(7) is not: FXTRACT, FPTAN and FSINCOS then leave two indefinites.
void two_result_fault(FpuState& fpu, u32 cleared_codes) {
  set_codes(fpu, cleared_codes, 0);
  const StackFault fault = is_empty(fpu, 0) ? StackFault::underflow : StackFault::overflow;
  if (!stack_fault(fpu, fault)) return;
  set(fpu, 0, indefinite());
  push(fpu, indefinite());
}

void deliver_two(FpuState& fpu, const fp::Context& context, const fp::Float80& lower, const fp::Float80& upper) {
  report(fpu, context);
  if (!completes(context)) return;
  set(fpu, 0, lower);
  push(fpu, upper);
}

void fxtract(Cpu* cpu, const Op* op) {
  FpuState& fpu = cpu->fpu;
  if (!operands_present(cpu, op, 1) || !is_empty(fpu, 7)) return two_result_fault(fpu, 0);
  fp::Context context = context_of(fpu);
  const fp::Extracted parts = fp::extract(context, unpacked(fpu, 0));
  deliver_two(fpu, context, parts.exponent, parts.significand);
}

void fptan(Cpu* cpu, const Op* op) {
  FpuState& fpu = cpu->fpu;
  if (!operands_present(cpu, op, 1) || !is_empty(fpu, 7)) return two_result_fault(fpu, code_c2);
  fp::Context context = context_of(fpu);
  const fp::Unpacked operand = unpacked(fpu, 0);
  const fp::Circular result = fp::tangent(context, operand);
  set_codes(fpu, code_c2, result.out_of_range ? code_c2 : 0u);
  if (result.out_of_range) return report(fpu, context);
  const bool is_number = operand.is_zero() || operand.is_finite();
  deliver_two(fpu, context, result.value, is_number ? fp::Float80{fp::integer_bit, fp::extended_bias} : result.value);
}

void fsincos(Cpu* cpu, const Op* op) {
  FpuState& fpu = cpu->fpu;
  if (!operands_present(cpu, op, 1) || !is_empty(fpu, 7)) return two_result_fault(fpu, code_c2);
  fp::Context context = context_of(fpu);
  const fp::SineCosine result = fp::sine_and_cosine(context, unpacked(fpu, 0));
  set_codes(fpu, code_c2, result.out_of_range ? code_c2 : 0u);
  if (result.out_of_range) return report(fpu, context);
  deliver_two(fpu, context, result.sine, result.cosine);
}

}  // namespace

void add_function(HandlerTable& table) {
  table.set(Opcode::Fsqrt, always<unary<fp::square_root<fp::Float80>>>);
  table.set(Opcode::Frndint, always<unary<round_by_mode>>);
  table.set(Opcode::F2xm1, always<unary<fp::exponential_minus_one>>);
  table.set(Opcode::Fscale, always<fscale>);
  table.set(Opcode::Fpatan, always<popping<fp::arctangent>>);
  table.set(Opcode::Fyl2x, always<popping<fp::logarithm>>);
  table.set(Opcode::Fyl2xp1, always<popping<fp::logarithm_plus_one>>);
  table.set(Opcode::Fprem, always<remainder<fp::Quotient::truncated>>);
  table.set(Opcode::Fprem1, always<remainder<fp::Quotient::nearest>>);
  table.set(Opcode::Fsin, always<circular<fp::sine>>);
  table.set(Opcode::Fcos, always<circular<fp::cosine>>);
  table.set(Opcode::Fxtract, always<fxtract>);
  table.set(Opcode::Fptan, always<fptan>);
  table.set(Opcode::Fsincos, always<fsincos>);
}

}  // namespace tsbhyve::soft::x87
