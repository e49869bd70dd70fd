// SPDX-License-Identifier: BSD-2-Clause
// AAA, AAS, AAM, AAD, DAA and DAS. Flags that the SDM leaves undefined: docs/undefined-flags.md.
#include "soft/families.h"
#include "soft/flags.h"
#include "soft/integer/select.h"
#include "soft/leave.h"

namespace tsbhyve::soft {

namespace {

constexpr u8 al_slot = RAX * 8, ax_slot = RAX * 8;

u8 read_al(const Cpu* cpu) { return read_gpr<u8>(cpu, al_slot); }
u16 read_ax(const Cpu* cpu) { return read_gpr<u16>(cpu, ax_slot); }

bool lower_digit_wants_adjusting(const Cpu* cpu) { return (read_al(cpu) & 15) > 9 || adjust_flag(cpu); }

/// OF of adding a small number, which turned `old` into `result`; for subtraction, the other way round.
template <class T>
u32 overflow_upward(T old, T result) {
  return ((~old & result) >> (sizeof(T) * 8 - 1)) & 1 ? flag_of : 0;
}

/// AAA and AAS: one digit of AL, with the carry to AH. The hardware's SF, ZF and OF are those of the 16-bit sum.
void write_unpacked(Cpu* cpu, u16 sum, bool adjusted, u32 overflow) {
  write_gpr<u16>(cpu, ax_slot, sum & 0xff0f);
  write_status_flags(cpu, result_flags<u16>(sum) | (adjusted ? flag_cf | flag_af : 0) | overflow);
}

constexpr u16 ascii_adjustment = 0x106;

void aaa(Cpu* cpu, const Op* op) {
  const bool adjust = lower_digit_wants_adjusting(cpu);
  const u16 old = read_ax(cpu);
  const auto sum = static_cast<u16>(old + (adjust ? ascii_adjustment : 0));
  write_unpacked(cpu, sum, adjust, overflow_upward<u16>(old, sum));
  NEXT(cpu, op);
}

void aas(Cpu* cpu, const Op* op) {
  const bool adjust = lower_digit_wants_adjusting(cpu);
  const u16 old = read_ax(cpu);
  const auto sum = static_cast<u16>(old - (adjust ? ascii_adjustment : 0));
  write_unpacked(cpu, sum, adjust, overflow_upward<u16>(sum, old));
  NEXT(cpu, op);
}

constexpr u8 lower_adjustment = 6, upper_adjustment = 0x60;
constexpr u8 largest_packed = 0x99;

void write_packed(Cpu* cpu, u8 result, bool lower, bool carry, u32 overflow) {
  write_gpr<u8>(cpu, al_slot, result);
  write_status_flags(cpu, result_flags<u8>(result) | (lower ? flag_af : 0) | (carry ? flag_cf : 0) | overflow);
}

void daa(Cpu* cpu, const Op* op) {
  const u8 old = read_al(cpu);
  const bool lower = lower_digit_wants_adjusting(cpu);
  const bool upper = old > largest_packed || carry_flag(cpu);
  const auto result = static_cast<u8>(old + (lower ? lower_adjustment : 0) + (upper ? upper_adjustment : 0));
  write_packed(cpu, result, lower, upper, overflow_upward<u8>(old, result));
  NEXT(cpu, op);
}

void das(Cpu* cpu, const Op* op) {
  const u8 old = read_al(cpu);
  const bool lower = lower_digit_wants_adjusting(cpu);
  const bool upper = old > largest_packed || carry_flag(cpu);
  const auto result = static_cast<u8>(old - (lower ? lower_adjustment : 0) - (upper ? upper_adjustment : 0));
  const bool borrow = upper || (lower && old < lower_adjustment);
  write_packed(cpu, result, lower, borrow, overflow_upward<u8>(result, old));
  NEXT(cpu, op);
}

void aam(Cpu* cpu, const Op* op) {
  const u8 base = static_cast<u8>(op->immediate);
  if (base == 0) raise(cpu, op, Vector::DE);
  const u8 old = read_al(cpu);
  const u8 low = old % base;
  write_gpr<u16>(cpu, ax_slot, static_cast<u16>((old / base) << 8 | low));
  write_status_flags(cpu, result_flags<u8>(low));
  NEXT(cpu, op);
}

/// The flags are those of adding the product of AH to AL.
void aad(Cpu* cpu, const Op* op) {
  const u8 low = read_al(cpu);
  const auto product = static_cast<u8>((read_ax(cpu) >> 8) * static_cast<u8>(op->immediate));
  const auto sum = static_cast<u8>(low + product);
  write_gpr<u16>(cpu, ax_slot, sum);
  set_lazy<u8>(cpu, FlagKind::Add, sum, low, product);
  NEXT(cpu, op);
}

}  // namespace

void add_decimal(HandlerTable& table) {
  table.set(Opcode::Aaa, always<aaa>);
  table.set(Opcode::Aas, always<aas>);
  table.set(Opcode::Aam, always<aam>);
  table.set(Opcode::Aad, always<aad>);
  table.set(Opcode::Daa, always<daa>);
  table.set(Opcode::Das, always<das>);
}

}  // namespace tsbhyve::soft
