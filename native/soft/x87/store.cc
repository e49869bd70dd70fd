// SPDX-License-Identifier: BSD-2-Clause
// FST, FSTP, FIST, FISTP, FISTTP, FBSTP. Memory is written before anything else changes; when an unmasked exception
// forbids the store, nothing is popped either, but the memory must still be writable.
#include "soft/float/convert.h"
#include "soft/float/integer.h"
#include "soft/x87/groups.h"
#include "soft/x87/source.h"

namespace tsbhyve::soft::x87 {

namespace {

using fp::IntegerWidth;
using fp::Rounding;

/// What is stored for an empty ST(0) while invalid is masked, and how a value is converted.
struct Single {
  using Bits = u32;
  static Bits convert(fp::Context& context, const fp::Unpacked& value) {
    return fp::store<fp::Float32>(context, value).bits;
  }
};

struct Double {
  using Bits = u64;
  static Bits convert(fp::Context& context, const fp::Unpacked& value) {
    return fp::store<fp::Float64>(context, value).bits;
  }
};

template <class B, bool truncates>
struct Integer {
  using Bits = B;
  static Bits convert(fp::Context& context, const fp::Unpacked& value) {
    const auto width = static_cast<IntegerWidth>(sizeof(B) * 8);
    return static_cast<B>(fp::to_integer(context, truncates ? Rounding::zero : context.rounding, width, value));
  }
};

/// The indefinite of every format is what a conversion of the real indefinite gives.
fp::Unpacked stored_value(const FpuState& fpu, bool missing) {
  return missing ? fp::make_indefinite() : unpacked(fpu, 0);
}

void finish(FpuState& fpu, const fp::Context& context, bool missing, bool stored, u32 pops) {
  if (missing) {
    stack_fault(fpu, StackFault::underflow);
  } else {
    report(fpu, context);
  }
  if (stored) pop(fpu, pops);
}

template <class Format, u32 pops>
void store_memory(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  FpuState& fpu = cpu->fpu;
  const bool missing = is_empty(fpu, 0);
  fp::Context context = context_of(fpu);
  const typename Format::Bits bits = Format::convert(context, stored_value(fpu, missing));
  if (missing) context.raise(fp::invalid);
  const bool stored = completes_store(context);
  const u64 lin = operand_address(cpu, op, sizeof(bits), true);
  if (stored) {
    store<typename Format::Bits>(cpu, op, lin, bits);
  } else {
    probe_write(cpu, op, lin, sizeof(bits), op->segment);
  }
  record_operand(cpu, op);
  finish(fpu, context, missing, stored, pops);
}

/// A refused store still raises what the memory would.
void store_or_probe80(Cpu* cpu, const Op* op, bool stored, const fp::Float80& value) {
  const u64 lin = operand_address(cpu, op, 10, true);
  if (stored) {
    store80(cpu, op, lin, value);
  } else {
    probe_write(cpu, op, lin, 10, op->segment);
  }
}

/// FSTP m80 changes no bit and raises nothing but a stack fault.
void store_extended(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  FpuState& fpu = cpu->fpu;
  const bool missing = is_empty(fpu, 0);
  fp::Context context = context_of(fpu);
  if (missing) context.raise(fp::invalid);
  const bool stored = completes_store(context);
  store_or_probe80(cpu, op, stored, missing ? indefinite() : get(fpu, 0));
  record_operand(cpu, op);
  finish(fpu, context, missing, stored, 1);
}

void fbstp(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  FpuState& fpu = cpu->fpu;
  const bool missing = is_empty(fpu, 0);
  fp::Context context = context_of(fpu);
  const fp::PackedDecimal decimal = fp::to_decimal(context, stored_value(fpu, missing));
  const bool stored = completes_store(context);
  fp::Float80 bytes{0, static_cast<u16>(decimal[9] << 8 | decimal[8])};
  for (u32 i = 0; i < 8; i++) bytes.significand |= u64{decimal[i]} << (8 * i);
  store_or_probe80(cpu, op, stored, bytes);
  record_operand(cpu, op);
  finish(fpu, context, missing, stored, 1);
}

template <u32 pops>
void store_register(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  record_instruction(cpu, op);
  FpuState& fpu = cpu->fpu;
  if (is_empty(fpu, 0)) {
    if (!stack_fault(fpu, StackFault::underflow)) return;
    set(fpu, op->destination, indefinite());
  } else {
    set_codes(fpu, code_c1, 0);
    set(fpu, op->destination, get(fpu, 0));
  }
  pop(fpu, pops);
}

template <u32 pops>
Handler select_store(const Instruction& instruction, bool) {
  const Operand& operand = instruction.operands[0];
  if (operand.kind != OperandKind::Memory) return run<store_register<pops>>;
  if (operand.size == 4) return run<store_memory<Single, pops>>;
  return operand.size == 8 ? run<store_memory<Double, pops>> : run<store_extended>;
}

template <bool truncates, u32 pops>
Handler select_integer_store(const Instruction& instruction, bool) {
  const u8 size = instruction.operands[0].size;
  if (size == 2) return run<store_memory<Integer<u16, truncates>, pops>>;
  return size == 4 ? run<store_memory<Integer<u32, truncates>, pops>>
                   : run<store_memory<Integer<u64, truncates>, pops>>;
}

}  // namespace

void add_store(HandlerTable& table) {
  table.set(Opcode::Fst, select_store<0>);
  table.set(Opcode::Fstp, select_store<1>);
  table.set(Opcode::Fist, select_integer_store<false, 0>);
  table.set(Opcode::Fistp, select_integer_store<false, 1>);
  table.set(Opcode::Fisttp, select_integer_store<true, 1>);
  table.set(Opcode::Fbstp, always<fbstp>);
}

}  // namespace tsbhyve::soft::x87
