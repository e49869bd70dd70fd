// SPDX-License-Identifier: BSD-2-Clause
#include "allowed.h"

#include "allowed_intel.h"
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
    {Mul, sign_zero_parity | flag_af},
    {Imul1, sign_zero_parity | flag_af},
    {Imul2, sign_zero_parity | flag_af},
    {Imul3, sign_zero_parity | flag_af},
    {Div, status_flags},
    {Idiv, status_flags},
    {Bsf, all_but_zf},
    {Bsr, all_but_zf},
    {Bt, all_but_cf & ~flag_zf},
    {Bts, all_but_cf & ~flag_zf},
    {Btr, all_but_cf & ~flag_zf},
    {Btc, all_but_cf & ~flag_zf},
    {Aaa, flag_of | sign_zero_parity},
    {Aas, flag_of | sign_zero_parity},
    {Aam, flag_of | flag_af | flag_cf},
    {Aad, flag_of | flag_af | flag_cf},
    {Daa, flag_of},
    {Das, flag_of},
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

/// Flags and results that the SDM leaves undefined.
void allow_undefined(const Instruction& instruction, const Case& test, Tolerance& tolerance) {
  const Opcode opcode = instruction.opcode;
  for (const UndefinedFlags& row : undefined_flags) {
    if (row.opcode == opcode) tolerance.flags = row.flags;
  }
  tolerance.flags |= undefined_shift_flags(instruction, test);
  const bool double_shift = opcode == Shld || opcode == Shrd;
  if (double_shift && masked_count(instruction, test, 2) > instruction.operand_size * 8u) {
    tolerance.destination = tolerance.memory = true;
  }
  if (opcode == Bswap && instruction.operand_size == 2) tolerance.destination = true;
}

/// Images with the instruction and data pointers, which AMD saves only while an exception is pending.
bool saves_pointers(Opcode opcode) { return opcode == Fnstenv || opcode == Fnsave || opcode == Fxsave; }

/// Limit, alignment and page, for operands wider than a register.
bool orders_wide_faults(const Case& test) { return test.uses_fx && test.setting != Setting::Code64; }

/// Many accesses, or checks in an order of the maker's choice.
bool orders_faults(const Instruction& instruction, const Case& test) {
  switch (instruction.opcode) {
    case Call:  // AMD pushes before it checks the target
    case CallIndirect:
    case Enter:
    case Cmps:   // Zen 4 reads through RDI first, Zen 3 through RSI
    case Bound:  // two operands each, at the end of a segment
    case LoadFarPointer:
    case JmpFar:
    case CallFar:
    case RetFar:
    case Iret:
    case Fldenv:
    case Fnstenv:
    case Frstor:
    case Fnsave:
    case Fxsave:
    case Fxrstor: return true;
    default: break;
  }
  // AMD also asks that the address before FS.base and GS.base is added be canonical.
  if (test.setting == Setting::Code64 && instruction.memory.segment >= FS) return true;
  return orders_wide_faults(test) || (test.uses_fx && instruction.operands[0].size == 10);
}

constexpr u16 status_exceptions = 0x3f, status_stops_pop = 7, status_invalid = 1, status_denormal = 2,
              status_underflow = 0x10, status_precision = 0x20, status_summary = 0x8080;
constexpr u16 status_c1 = 0x200, status_codes = 0x4500;

bool compares(Opcode opcode) { return (opcode >= Fcom && opcode <= Fxam); }
bool compares_to_flags(Opcode opcode) {
  return opcode == Fcomi || opcode == Fcomip || opcode == Fucomi || opcode == Fucomip;
}

bool converts_to_mmx(Opcode opcode) {
  return opcode == Cvttps2pi || opcode == Cvttpd2pi || opcode == Cvtps2pi || opcode == Cvtpd2pi;
}

/// What the two makers' x87 units do differently.
void allow_x87(const Instruction& instruction, const Result& result, Tolerance& tolerance) {
  const Opcode opcode = instruction.opcode;
  const bool unmasked = (result.fx.status & ~u32{result.fx.control} & (status_invalid | status_denormal)) != 0;
  // "If the exception is unmasked, the condition code flags are not set" (SDM, FCOM): AMD sets them.
  if (compares(opcode) && unmasked) {
    tolerance.status |= status_codes;
    if (compares_to_flags(opcode)) tolerance.flags |= status_flags;
  }
  // "C1: set to 0" (SDM, FCOMI): AMD keeps it.
  if (compares_to_flags(opcode)) tolerance.status |= status_c1;
  if (is_transcendental(opcode)) tolerance.status |= status_c1 | status_precision | status_underflow | status_summary;
  // Out of range the result is undefined, and so is what is raised.
  if (opcode == F2xm1 || opcode == Fyl2xp1) {
    tolerance.status |= status_exceptions;
    tolerance.x87_state = (~u32{result.fx.control} & status_stops_pop) != 0;
  }
  // Intel does not say that a fault keeps MMX state from being entered; AMD enters it first, and not for memory
  // operands.
  if (opcode == Cvtpi2ps) tolerance.x87_state = true;
  if (result.vector != ran_to_end && (converts_to_mmx(opcode) || opcode == Maskmovq)) tolerance.x87_state = true;
}

/// What we do as Intel, so that it is compared there.
void allow_amd(const Instruction& instruction, Tolerance& tolerance) {
  const Opcode opcode = instruction.opcode;
  tolerance.memory |= saves_pointers(opcode);
  // AMD writes zeros above a selector that is pushed as 32 bits; Intel leaves the memory alone.
  tolerance.memory |= opcode == PushSeg && instruction.operand_size == 4;
  // A null selector leaves FS.base and GS.base alone on AMD processors.
  tolerance.segment_bases = opcode == MovSeg || opcode == PopSeg || opcode == LoadFarPointer;
}

}  // namespace

Tolerance tolerance_of(const Instruction& instruction, const Case& test, const Result& host, const Result& guest,
                       const HostKind& kind) {
  Tolerance tolerance;
  const Opcode opcode = instruction.opcode;
  if (!kind.reference) allow_undefined(instruction, test, tolerance);
  tolerance.result = is_estimate(opcode) || is_transcendental(opcode);
  if (kind.amd) allow_amd(instruction, tolerance);
  allow_x87(instruction, host, tolerance);
  if (kind.intel) allow_intel(instruction, test, host, guest, tolerance);
  if (host.vector == ran_to_end) return tolerance;
  // Some accesses may have been made before one faults.
  tolerance.registers = opcode == Popa;
  tolerance.memory |= opcode == Enter || opcode == Pusha;
  tolerance.fault_order = orders_faults(instruction, test);
  return tolerance;
}

Tolerance tolerance_of_block(const Case& test, const Result& host, const Result& guest, const HostKind& kind) {
  Tolerance tolerance;
  if (kind.intel) allow_intel_in_block(test, host, guest, tolerance);
  tolerance.fault_order = orders_wide_faults(test);
  return tolerance;
}

bool leaves_undefined(const Instruction& instruction, const HostKind& kind) {
  const Opcode opcode = instruction.opcode;
  if (is_estimate(opcode) || is_transcendental(opcode) || saves_pointers(opcode) || compares(opcode)) return true;
  if (opcode == Cvtpi2ps || converts_to_mmx(opcode) || (opcode == PushSeg && instruction.operand_size == 4))
    return true;
  if (kind.intel && differs_on_intel(instruction)) return true;
  if (kind.reference) return false;
  for (const UndefinedFlags& row : undefined_flags) {
    if (row.opcode == opcode) return true;
  }
  return opcode >= Rol && opcode <= Shrd;
}

}  // namespace tsbhyve::differential
