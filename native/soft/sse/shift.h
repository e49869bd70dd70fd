// SPDX-License-Identifier: BSD-2-Clause
// Vector shifts. A count of the lane width or more gives zeros, or copies of the sign (SDM vol. 2, PSLLW, PSRAW).
#pragma once

#include <type_traits>

#include "soft/sse/shells.h"

namespace tsbhyve::soft::sse {

template <class T>
struct ShiftLeft {
  template <class R>
  static R shift(R value, u64 count) {
    return count < sizeof(T) * 8 ? whole<R>(lanes<T>(value) << static_cast<T>(count)) : R{};
  }
};
/// T is signed for arithmetic shifts.
template <class T>
struct ShiftRight {
  template <class R>
  static R shift(R value, u64 count) {
    constexpr u64 most = sizeof(T) * 8 - 1;
    if (count > most) {
      if (!std::is_signed_v<T>) return R{};
      count = most;
    }
    return whole<R>(lanes<T>(value) >> static_cast<T>(count));
  }
};

inline u128 wide(V128 value) { return u128{value[1]} << 64 | value[0]; }
inline V128 narrow(u128 value) { return V128{static_cast<u64>(value), static_cast<u64>(value >> 64)}; }

struct ShiftLeftBytes {
  static V128 shift(V128 value, u64 count) { return count < 16 ? narrow(wide(value) << count * 8) : V128{}; }
};
struct ShiftRightBytes {
  static V128 shift(V128 value, u64 count) { return count < 16 ? narrow(wide(value) >> count * 8) : V128{}; }
};

/// The count is the low quadword of the second operand.
template <class S>
struct ByOperand {
  static V128 apply(V128 a, V128 b) { return S::shift(a, u64{b[0]}); }
  static u64 apply(u64 a, u64 b) { return S::shift(a, b); }
};

template <class S>
void shift_xmm(Cpu* cpu, const Op* op) {
  if (!ready<Unit::Sse>(cpu)) check_unit(cpu, op, Unit::Sse);
  write_xmm(cpu, op->destination, S::shift(read_xmm(cpu, op->destination), op->immediate));
  NEXT(cpu, op);
}
template <class S>
void shift_mmx(Cpu* cpu, const Op* op) {
  if (!ready<Unit::Mmx>(cpu)) check_unit(cpu, op, Unit::Mmx);
  enter_mmx(cpu);
  write_mmx(cpu, op->destination, S::shift(read_mmx(cpu, op->destination), op->immediate));
  NEXT(cpu, op);
}

template <class S>
void add_shift(HandlerTable& table, Opcode opcode) {
  table.set(opcode, [](const Instruction& instruction, bool live) -> Handler {
    const bool mmx = is_mmx(instruction.operands[0]);
    if (instruction.operands[1].kind == OperandKind::Immediate) return mmx ? shift_mmx<S> : shift_xmm<S>;
    return mmx ? reading<Unit::Mmx, MmxLow<u64>, OnMmx<ByOperand<S>>>(instruction, live)
               : reading<Unit::Sse, XmmAligned, OnXmm<ByOperand<S>>>(instruction, live);
  });
}

/// PSLLDQ and PSRLDQ, which exist only for XMM and with an immediate.
template <class S>
void add_byte_shift(HandlerTable& table, Opcode opcode) {
  table.set(opcode, [](const Instruction&, bool) -> Handler { return shift_xmm<S>; });
}

}  // namespace tsbhyve::soft::sse
