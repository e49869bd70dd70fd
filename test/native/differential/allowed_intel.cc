// SPDX-License-Identifier: BSD-2-Clause
#include "allowed_intel.h"

#include "compare.h"
#include "forms.h"
#include "guest_tables.h"
#include "soft/cpu.h"

namespace tsbhyve::differential {

namespace {

using enum Opcode;

constexpr u64 last_address = 0xffffffff, last_low_address = 0x7fff'ffff'ffff;  // of compatibility and 64-bit code
constexpr u64 reach = 256;                                                     // of all PUSHes and POPs of a block
constexpr u16 status_exceptions = 0x3f, status_raised = 0x82ff, status_underflow = 0x10,
              status_summary = 0x8080;  // C1 tells how it was raised

bool is_near(u64 end, u64 address, u64 mask) { return ((address - end + reach) & mask) < 2 * reach; }

/// Offset of the operand in memory.
u64 offset_of(const MemoryOperand& memory, const Registers& registers) {
  const u64 base = memory.base < 16 ? registers.gpr[memory.base] : 0;
  const u64 index = memory.index < 16 ? registers.gpr[memory.index] << memory.scale : 0;
  return base + index + static_cast<u64>(memory.displacement);
}

bool may_cross(u64 end, u64 mask, const Instruction& instruction, const Registers& registers) {
  if (names_memory(instruction) && is_near(end, offset_of(instruction.memory, registers), mask)) return true;
  for (const u8 reg : {RSP, RBP, RSI, RDI}) {
    if (is_near(end, registers.gpr[reg], mask)) return true;
  }
  return false;
}

bool is_limit_fault(const Result& result) {
  return (result.vector == Vector::GP || result.vector == Vector::SegmentSS) && result.error == 0;
}

/// An access across the end of a segment of 4 GiB: a fault or none, "implementation-specific" (SDM vol. 3, 6.3).
bool wraps_around(const Instruction& instruction, const Case& test, const Result& host, const Result& guest) {
  if (test.setting != Setting::Flat32 || !is_limit_fault(guest)) return false;
  if (host.vector == Vector::AC) return may_cross(last_address, last_address, instruction, test.registers);
  return host.vector == Vector::PF && is_near(last_address, host.cr2, last_address);
}

/// A misaligned access across the end of the canonical addresses.
bool orders_alignment(const Instruction& instruction, const Case& test, const Result& host, const Result& guest) {
  return test.setting == Setting::Code64 && is_limit_fault(guest) && host.vector == Vector::AC &&
         may_cross(last_low_address, ~u64{0}, instruction, test.registers);
}

bool compares_strings(Opcode opcode) { return opcode == Cmps || opcode == Scas; }

/// RCX, RSI and RDI are written back even where nothing was done, and then as 32 bits.
bool cuts_string_registers(const Instruction& instruction, const Case& test, const Result& host) {
  if (instruction.repeat == Repeat::None || test.setting != Setting::Code64 || instruction.address_size != 4)
    return false;
  return host.vector != ran_to_end || static_cast<u32>(test.registers.gpr[RCX]) == 0;
}

bool stores_float(const Instruction& instruction) {
  switch (instruction.opcode) {
    case Fst:
    case Fstp:
    case Fist:
    case Fistp:
    case Fisttp:
    case Fbstp: return instruction.operands[0].kind == OperandKind::Memory;
    default: return false;
  }
}

/// An exception of the operation itself, which the next one that waits will report.
bool raised_unmasked(const Case& test, const Result& host) {
  const u32 unmasked = ~u32{test.fx.control} & status_exceptions;
  return (test.fx.status & unmasked) == 0 && (host.fx.status & unmasked) != 0;
}

bool stores_mmx(const Instruction& instruction) {
  return instruction.operands[0].kind == OperandKind::Memory && instruction.operands[1].kind == OperandKind::Mmx;
}

bool divides_to_remainder(Opcode opcode) { return opcode == Fprem || opcode == Fprem1; }

struct Extended {
  u64 significand;
  u16 exponent;  // without the sign
};

Extended extended_of(const u8 (&st)[16]) {
  Extended value;
  std::memcpy(&value.significand, st, sizeof(value.significand));
  std::memcpy(&value.exponent, st + sizeof(value.significand), sizeof(value.exponent));
  value.exponent &= 0x7fff;
  return value;
}

/// A denormal number that stays as it is, as a remainder by infinity or scaled by zero: no underflow, even where that
/// is unmasked.
bool keeps_denormal(Opcode opcode, const Case& test) {
  const Extended value = extended_of(test.fx.st[0]), other = extended_of(test.fx.st[1]);
  const bool is_denormal = value.exponent == 0 && value.significand != 0;
  if (!is_denormal || (test.fx.control & status_underflow) != 0) return false;
  if (opcode == Fscale) return other.exponent == 0 && other.significand == 0;
  return divides_to_remainder(opcode) && other.exponent == 0x7fff && other.significand == u64{1} << 63;
}

/// Selectors on the stack are read as 16 bits, whatever the operand size.
bool pops_selectors(Opcode opcode) { return opcode == PopSeg || opcode == RetFar || opcode == Iret; }

/// The guest's fault is one of the bytes above a selector.
bool faults_above_selector(const Instruction& instruction, const Case& test, const Result& guest) {
  if (!pops_selectors(instruction.opcode) || instruction.operand_size <= 2) return false;
  const Segment stack = segment_for(test.registers.selector[SS]);
  const u64 rsp = test.registers.gpr[RSP];
  if (guest.vector == Vector::AC) return (rsp & 1) == 0;
  if (guest.vector == Vector::SegmentSS) return test.setting != Setting::Code64 && guest.error == 0;
  if (guest.vector != Vector::PF) return false;
  const u64 linear = test.setting == Setting::Code64
                         ? rsp
                         : (stack.base + ((stack.attributes & segment_big) ? rsp : rsp & 0xffff)) & last_address;
  const u64 slot = (guest.cr2 - linear) / instruction.operand_size,
            byte = (guest.cr2 - linear) % instruction.operand_size;
  const bool holds_selector =
      instruction.opcode == PopSeg ? slot == 0 : slot == 1 || (slot == 4 && instruction.opcode == Iret);
  return holds_selector && byte >= 2;
}

/// A far call from segments with a base to 64-bit code, whose stack has none: pushes there.
bool pushes_elsewhere(Opcode opcode, const Case& test, const Result& guest) {
  return opcode == CallFar && guest.registers.selector[CS] == flat_code64 && info_of(test.setting).data_offset != 0;
}

}  // namespace

void allow_intel_in_block(const Case& test, const Result& host, const Result& guest, Tolerance& tolerance) {
  const Instruction none{};  // no address in a block depends on registers, but for RSP
  tolerance.event |= wraps_around(none, test, host, guest) || orders_alignment(none, test, host, guest);
}

void allow_intel(const Instruction& instruction, const Case& test, const Result& host, const Result& guest,
                 Tolerance& tolerance) {
  const Opcode opcode = instruction.opcode;
  const bool faulted = host.vector != ran_to_end;
  tolerance.event |= wraps_around(instruction, test, host, guest) || orders_alignment(instruction, test, host, guest);
  tolerance.everything |= faults_above_selector(instruction, test, guest) || pushes_elsewhere(opcode, test, guest);
  // "The EFLAGS value is restored to the state prior to the execution of the instruction" (SDM vol. 2, REP).
  if (instruction.repeat != Repeat::None && compares_strings(opcode) && faulted) tolerance.flags |= status_flags;
  tolerance.string_halves |= cuts_string_registers(instruction, test, host);
  if (stores_float(instruction) && is_access_fault(guest.vector) && raised_unmasked(test, host)) {
    tolerance.event = true;
    tolerance.status |= status_raised;
  }
  // Eight bytes and then two.
  tolerance.memory |= stores_float(instruction) && instruction.operands[0].size == 10 && faulted;
  // The return address is pushed before the target is checked.
  tolerance.memory |= (opcode == Call || opcode == CallIndirect) && host.vector == Vector::GP;
  tolerance.top |= stores_mmx(instruction) && faulted;
  if (keeps_denormal(opcode, test)) {
    tolerance.result = true;
    tolerance.status |= status_underflow | status_summary;
  }
  tolerance.nan_lanes |= opcode == Dpps || opcode == Dppd;
  // The second bound is not read if the index is below the first.
  tolerance.event |= opcode == Bound && host.vector == Vector::BR && is_access_fault(guest.vector);
}

bool differs_on_intel(const Instruction& instruction) {
  return stores_float(instruction) || stores_mmx(instruction) || pops_selectors(instruction.opcode) ||
         divides_to_remainder(instruction.opcode) || instruction.opcode == Fscale || instruction.opcode == Dpps ||
         instruction.opcode == Dppd || (instruction.repeat != Repeat::None && compares_strings(instruction.opcode));
}

bool never_ends_on_intel(const Instruction& instruction, const Case& test) {
  const u32 size = instruction.operand_size;
  if (instruction.opcode != Iret || size <= 2 || test.registers.gpr[RSP] % size == 0) return false;
  constexpr u32 flags_slot = 2, ac_byte = 2, ac_bit = 1 << 2;
  return test.operand_address == 0 || (test.operand[flags_slot * size + ac_byte] & ac_bit) != 0;
}

}  // namespace tsbhyve::differential
