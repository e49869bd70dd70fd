// SPDX-License-Identifier: BSD-2-Clause
#include "allowed.h"

#include "soft/cpu.h"

namespace tsbhyve::differential {

namespace {

using enum Opcode;

constexpr u32 all_but_cf = status_flags & ~flag_cf;
constexpr u32 all_but_zf = status_flags & ~flag_zf;
constexpr u32 sign_zero_parity = flag_sf | flag_zf | flag_pf;

struct UndefinedFlags {
  Opcode opcode;
  u32 flags;
};

// "Flags Affected" of each instruction in SDM volume 2.
constexpr UndefinedFlags undefined_flags[] = {
    {Mul, sign_zero_parity | flag_af}, {Imul1, sign_zero_parity | flag_af}, {Imul2, sign_zero_parity | flag_af},
    {Imul3, sign_zero_parity | flag_af}, {Div, status_flags}, {Idiv, status_flags}, {Bsf, all_but_zf}, {Bsr, all_but_zf},
    {Bt, all_but_cf & ~flag_zf}, {Bts, all_but_cf & ~flag_zf}, {Btr, all_but_cf & ~flag_zf}, {Btc, all_but_cf & ~flag_zf},
    {Aaa, flag_of | sign_zero_parity}, {Aas, flag_of | sign_zero_parity}, {Aam, flag_of | flag_af | flag_cf},
    {Aad, flag_of | flag_af | flag_cf}, {Daa, flag_of}, {Das, flag_of},
};

/// Count of a shift or rotate as the operation sees it.
u32 masked_count(const Instruction& instruction, const Case& test, size_t operand) {
  const Operand& count = instruction.operands[operand];
  const u64 value = count.kind == OperandKind::Immediate ? instruction.immediate : test.registers.gpr[RCX];
  return static_cast<u32>(value) & (instruction.operand_size == 8 ? 63 : 31);
}

u32 undefined_shift_flags(const Instruction& instruction, const Case& test) {
  const u32 width = instruction.operand_size * 8u;
  switch (instruction.opcode) {
    case Shl:
    case Shr: {
      const u32 count = masked_count(instruction, test, 1);
      return (count ? flag_af : 0) | (count > 1 ? flag_of : 0) | (count > width ? flag_cf : 0);
    }
    case Sar: {
      const u32 count = masked_count(instruction, test, 1);
      return (count ? flag_af : 0) | (count > 1 ? flag_of : 0);
    }
    case Rol:
    case Ror:
    case Rcl:
    case Rcr: return masked_count(instruction, test, 1) > 1 ? flag_of : 0;
    case Shld:
    case Shrd: {
      const u32 count = masked_count(instruction, test, 2);
      return (count ? flag_af : 0) | (count > 1 ? flag_of : 0) | (count > width ? status_flags : 0);
    }
    default: return 0;
  }
}

bool is_estimate(Opcode opcode) { return opcode == Rcpps || opcode == Rcpss || opcode == Rsqrtps || opcode == Rsqrtss; }

bool is_transcendental(Opcode opcode) {
  switch (opcode) {
    case F2xm1:
    case Fyl2x:
    case Fyl2xp1:
    case Fptan:
    case Fpatan:
    case Fsin:
    case Fcos:
    case Fsincos: return true;
    default: return false;
  }
}

/// Images with the instruction and data pointers, which AMD saves only while an exception is pending.
bool saves_pointers(Opcode opcode) { return opcode == Fnstenv || opcode == Fnsave || opcode == Fxsave; }

}  // namespace

Tolerance tolerance_of(const Instruction& instruction, const Case& test, const Result& result) {
  Tolerance tolerance;
  const Opcode opcode = instruction.opcode;
  for (const UndefinedFlags& row : undefined_flags) {
    if (row.opcode == opcode) tolerance.flags = row.flags;
  }
  tolerance.flags |= undefined_shift_flags(instruction, test);
  // A 16-bit double shift by more than 16 leaves an undefined destination.
  if ((opcode == Shld || opcode == Shrd) && masked_count(instruction, test, 2) > instruction.operand_size * 8u) {
    tolerance.destination = tolerance.memory = true;
  }
  tolerance.result = is_estimate(opcode) || is_transcendental(opcode);
  tolerance.memory |= saves_pointers(opcode);
  // A null selector leaves FS.base and GS.base alone on AMD processors.
  tolerance.segment_bases = opcode == MovSeg || opcode == PopSeg || opcode == LoadFarPointer;
  // Instructions of many accesses may have done some of them before one faults.
  if (result.vector != ran_to_end) {
    tolerance.registers = opcode == Popa;
    tolerance.memory |= opcode == Enter || opcode == Pusha;
    // AMD pushes before it checks the target; and nobody says in which order ENTER touches the two frames.
    tolerance.fault_order = opcode == Call || opcode == CallIndirect || opcode == Enter;
  }
  return tolerance;
}

bool leaves_undefined(const Instruction& instruction) {
  const Opcode opcode = instruction.opcode;
  for (const UndefinedFlags& row : undefined_flags) {
    if (row.opcode == opcode) return true;
  }
  switch (opcode) {
    case Shl:
    case Shr:
    case Sar:
    case Shld:
    case Shrd:
    case Rol:
    case Ror:
    case Rcl:
    case Rcr: return true;
    default: return is_estimate(opcode) || is_transcendental(opcode) || saves_pointers(opcode);
  }
}

}  // namespace tsbhyve::differential
