// SPDX-License-Identifier: BSD-2-Clause
// The register stack, the status word and the way from the control word to a floating-point context (SDM volume
// 1, 8.1).
#pragma once

#include "soft/cpu.h"
#include "soft/float/unpacked.h"

namespace tsbhyve::soft::x87 {

inline constexpr u16 status_exceptions = 0x3f, status_stack_fault = 0x40, status_summary = 0x80, status_busy = 0x8000;
inline constexpr u16 code_c0 = 0x100, code_c1 = 0x200, code_c2 = 0x400, code_c3 = 0x4000;
inline constexpr u16 status_codes = code_c0 | code_c1 | code_c2 | code_c3;
inline constexpr u16 control_masks = 0x3f;
inline constexpr u16 control_initial = 0x37f;
// Bit 6 reads as one; bits 7 and 13-15 as zeros.
inline constexpr u16 control_writable = 0x1f3f, control_fixed = 0x40;
inline constexpr u32 top_shift = 11;

inline u32 top(const FpuState& fpu) { return fpu.status >> top_shift & 7u; }
inline void set_top(FpuState& fpu, u32 value) {
  fpu.status = static_cast<u16>((fpu.status & ~(7u << top_shift)) | (value & 7u) << top_shift);
}

/// Physical register of ST(i).
inline u32 physical(const FpuState& fpu, u32 i) { return (top(fpu) + i) & 7u; }
inline bool is_empty(const FpuState& fpu, u32 i) { return (fpu.empty >> physical(fpu, i) & 1u) != 0; }
inline void mark_empty(FpuState& fpu, u32 i) { fpu.empty = static_cast<u8>(fpu.empty | 1u << physical(fpu, i)); }

inline fp::Float80 get(const FpuState& fpu, u32 i) {
  const Float80& from = fpu.registers[physical(fpu, i)];
  return {from.significand, from.sign_exponent};
}
inline void set(FpuState& fpu, u32 i, const fp::Float80& value) {
  fpu.registers[physical(fpu, i)] = {value.significand, value.sign_exponent};
  fpu.empty = static_cast<u8>(fpu.empty & ~(1u << physical(fpu, i)));
}

inline void push(FpuState& fpu, const fp::Float80& value) {
  set_top(fpu, top(fpu) - 1);
  set(fpu, 0, value);
}
inline void pop(FpuState& fpu) {
  mark_empty(fpu, 0);
  set_top(fpu, top(fpu) + 1);
}
inline void pop(FpuState& fpu, u32 count) {
  for (u32 i = 0; i < count; i++) pop(fpu);
}

inline void set_codes(FpuState& fpu, u32 which, u32 codes) {
  fpu.status = static_cast<u16>((fpu.status & ~which) | codes);
}

/// ES and B follow from the exception flags and their masks (SDM volume 1, 8.1.3.3).
inline void update_summary(FpuState& fpu) {
  const bool pending = (fpu.status & ~u32{fpu.control} & status_exceptions) != 0;
  set_codes(fpu, status_summary | status_busy, pending ? u32{status_summary} | status_busy : 0);
}

inline void set_control(FpuState& fpu, u32 value) {
  fpu.control = static_cast<u16>((value & control_writable) | control_fixed);
  update_summary(fpu);
}

inline fp::Context context_of(const FpuState& fpu) {
  fp::Context context;
  context.rounding = static_cast<fp::Rounding>(fpu.control >> 10 & 3);
  context.precision = static_cast<fp::Precision>(fpu.control >> 8 & 3);
  context.masks = static_cast<u8>(fpu.control & control_masks);
  return context;
}

/// Whether results are written and pops done: no unmasked invalid, denormal or zero-divide.
inline bool completes(const fp::Context& context) {
  constexpr u32 before_computation = fp::invalid | fp::denormal | fp::zero_divide;
  return (context.flags & ~u32{context.masks} & before_computation) == 0;
}
/// The same for stores to memory, which overflow and underflow stop too.
inline bool completes_store(const fp::Context& context) {
  constexpr u32 before_store = fp::invalid | fp::overflow | fp::underflow;
  return (context.flags & ~u32{context.masks} & before_store) == 0;
}

/// Takes over the exceptions and C1.
inline void report(FpuState& fpu, const fp::Context& context) {
  set_codes(fpu, code_c1, context.rounded_up ? code_c1 : 0u);
  fpu.status = static_cast<u16>(fpu.status | context.flags);
  update_summary(fpu);
}

/// Stack overflow (C1 = 1) or underflow (SDM volume 1, 8.5.1.1). True when masked, so that indefinites are to be
/// written.
enum class StackFault : u8 { underflow, overflow };
inline bool stack_fault(FpuState& fpu, StackFault fault) {
  set_codes(fpu, code_c1, fault == StackFault::overflow ? code_c1 : 0u);
  fpu.status = static_cast<u16>(fpu.status | status_stack_fault | fp::invalid);
  update_summary(fpu);
  return (fpu.control & fp::invalid) != 0;
}

inline fp::Float80 indefinite() { return fp::pack<fp::Float80>(fp::make_indefinite()); }

/// Pushes, or reports overflow.
inline void push_checked(FpuState& fpu, const fp::Float80& value) {
  if (!is_empty(fpu, 7)) {
    if (stack_fault(fpu, StackFault::overflow)) push(fpu, indefinite());
    return;
  }
  set_codes(fpu, code_c1, 0);
  push(fpu, value);
}

}  // namespace tsbhyve::soft::x87
