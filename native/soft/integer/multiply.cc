// SPDX-License-Identifier: BSD-2-Clause
// MUL, IMUL, DIV and IDIV. Flags that the SDM leaves undefined: docs/undefined-flags.md.
#include "soft/families.h"
#include "soft/flags.h"
#include "soft/integer/select.h"
#include "soft/integer/wide.h"
#include "soft/leave.h"

namespace tsbhyve::soft {

namespace {

constexpr u32 overflow_flags = flag_cf | flag_of;

void set_overflow(Cpu* cpu, bool overflow) { change_status_flags(cpu, overflow_flags, overflow ? overflow_flags : 0); }

/// IMUL with a destination register: the product cut to its width.
template <class T, bool Flags>
void multiply_into(Cpu* cpu, const Op* op, T left, T right) {
  using S = Signed<T>;
  S product;
  const bool overflow = __builtin_mul_overflow(static_cast<S>(left), static_cast<S>(right), &product);
  if constexpr (Flags) set_overflow(cpu, overflow);
  write_gpr<T>(cpu, op->destination, static_cast<T>(product));
}

template <class T, bool Flags>
struct MultiplyRegister {
  using Value = T;
  using Full = MultiplyRegister<T, true>;
  static void run(Cpu* cpu, const Op* op, T right) {
    multiply_into<T, Flags>(cpu, op, read_gpr<T>(cpu, op->destination), right);
  }
};

template <class T, bool Flags>
struct MultiplyImmediate {
  using Value = T;
  using Full = MultiplyImmediate<T, true>;
  static void run(Cpu* cpu, const Op* op, T left) {
    multiply_into<T, Flags>(cpu, op, left, static_cast<T>(op->immediate));
  }
};

template <template <class, bool> class Action>
Handler select_product(const Instruction& instruction, bool flags_live) {
  return by_wide_width(instruction.operands[0].size, [&]<class T>() {
    return by_flag(flags_live, [&]<bool Flags>() { return read_source<Action<T, Flags>>(instruction); });
  });
}

/// One-operand forms: the double-width product of the accumulator and the operand. CF and OF tell whether the upper
/// half is more than an extension of the lower.
template <class T, bool Flags>
struct MultiplyUnsigned {
  using Value = T;
  using Full = MultiplyUnsigned<T, true>;
  static void run(Cpu* cpu, const Op*, T right) {
    const auto product = static_cast<Double<T>>(static_cast<Double<T>>(read_gpr<T>(cpu, RAX * 8)) * right);
    if constexpr (Flags) set_overflow(cpu, upper_half<T>(product) != 0);
    write_double<T>(cpu, product);
  }
};

template <class T, bool Flags>
struct MultiplySigned {
  using Value = T;
  using Full = MultiplySigned<T, true>;
  static void run(Cpu* cpu, const Op*, T right) {
    using D = SignedDouble<T>;
    const auto product = static_cast<D>(static_cast<D>(static_cast<Signed<T>>(read_gpr<T>(cpu, RAX * 8))) *
                                        static_cast<Signed<T>>(right));
    if constexpr (Flags) set_overflow(cpu, product != static_cast<Signed<T>>(product));
    write_double<T>(cpu, static_cast<Double<T>>(product));
  }
};

template <template <class, bool> class Action>
Handler select_double_product(const Instruction& instruction, bool flags_live) {
  return by_width(instruction.operands[0].size, [&]<class T>() {
    return by_flag(flags_live, [&]<bool Flags>() { return read_destination<Action<T, Flags>>(instruction); });
  });
}

/// What the hardware leaves of the flags that division undefines.
void set_division_flags(Cpu* cpu) { change_status_flags(cpu, flag_pf | flag_af | flag_zf | flag_sf, flag_af); }

template <class T>
struct DivideUnsigned {
  using Value = T;
  using Full = DivideUnsigned;
  static void run(Cpu* cpu, const Op* op, T divisor) {
    const Double<T> dividend = read_double<T>(cpu);
    if (upper_half<T>(dividend) >= divisor) raise(cpu, op, Vector::DE);  // also by zero
    const T quotient = narrow_quotient<T>(dividend, divisor);
    const T remainder = static_cast<T>(static_cast<T>(dividend) - static_cast<T>(quotient * divisor));
    write_quotient<T>(cpu, quotient, remainder);
    set_division_flags(cpu);
  }
};

template <class T>
struct DivideSigned {
  using Value = T;
  using Full = DivideSigned;
  static void run(Cpu* cpu, const Op* op, T divisor) {
    using S = Signed<T>;
    const Double<T> dividend = read_double<T>(cpu);
    const bool negative_dividend = static_cast<SignedDouble<T>>(dividend) < 0;
    const bool negative_divisor = static_cast<S>(divisor) < 0;
    const auto magnitude = static_cast<Double<T>>(negative_dividend ? -dividend : dividend);
    const T by = static_cast<T>(negative_divisor ? -divisor : divisor);
    if (upper_half<T>(magnitude) >= by) raise(cpu, op, Vector::DE);
    const T quotient = narrow_quotient<T>(magnitude, by);
    const T remainder = static_cast<T>(static_cast<T>(magnitude) - static_cast<T>(quotient * by));
    const bool negative = negative_dividend != negative_divisor;
    const T largest = static_cast<T>(static_cast<T>(~T{0}) >> 1);
    if (quotient > static_cast<T>(largest + negative)) raise(cpu, op, Vector::DE);
    write_quotient<T>(cpu, static_cast<T>(negative ? -quotient : quotient),
                      static_cast<T>(negative_dividend ? -remainder : remainder));
    set_division_flags(cpu);
  }
};

template <template <class> class Action>
Handler select_quotient(const Instruction& instruction, bool) {
  return by_width(instruction.operands[0].size, [&]<class T>() { return read_destination<Action<T>>(instruction); });
}

}  // namespace

void add_multiply(HandlerTable& table) {
  table.set(Opcode::Mul, select_double_product<MultiplyUnsigned>);
  table.set(Opcode::Imul1, select_double_product<MultiplySigned>);
  table.set(Opcode::Imul2, select_product<MultiplyRegister>);
  table.set(Opcode::Imul3, select_product<MultiplyImmediate>);
  table.set(Opcode::Div, select_quotient<DivideUnsigned>);
  table.set(Opcode::Idiv, select_quotient<DivideSigned>);
}

}  // namespace tsbhyve::soft
