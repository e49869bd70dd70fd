// SPDX-License-Identifier: BSD-2-Clause
// Double-width values in a pair of registers: AX for bytes, else DX:AX, EDX:EAX and RDX:RAX.
#pragma once

#include <type_traits>

#include "soft/cpu.h"

namespace tsbhyve::soft {

template <class T>
using Signed = std::make_signed_t<T>;

template <class T>
struct DoubleOf;
template <>
struct DoubleOf<u8> {
  using Unsigned = u16;
  using Signed = i16;
};
template <>
struct DoubleOf<u16> {
  using Unsigned = u32;
  using Signed = i32;
};
template <>
struct DoubleOf<u32> {
  using Unsigned = u64;
  using Signed = i64;
};
template <>
struct DoubleOf<u64> {
  using Unsigned = u128;
  using Signed = i128;
};
template <class T>
using Double = typename DoubleOf<T>::Unsigned;
template <class T>
using SignedDouble = typename DoubleOf<T>::Signed;

template <class T>
inline constexpr int width_bits = static_cast<int>(sizeof(T) * 8);

template <class T>
T upper_half(Double<T> value) {
  return static_cast<T>(value >> width_bits<T>);
}

template <class T>
Double<T> read_double(const Cpu* cpu) {
  if constexpr (sizeof(T) == 1) {
    return read_gpr<u16>(cpu, RAX * 8);
  } else {
    const auto high = static_cast<Double<T>>(read_gpr<T>(cpu, RDX * 8));
    return static_cast<Double<T>>(high << width_bits<T> | read_gpr<T>(cpu, RAX * 8));
  }
}

template <class T>
void write_double(Cpu* cpu, Double<T> value) {
  if constexpr (sizeof(T) == 1) {
    write_gpr<u16>(cpu, RAX * 8, value);
  } else {
    write_gpr<T>(cpu, RAX * 8, static_cast<T>(value));
    write_gpr<T>(cpu, RDX * 8, upper_half<T>(value));
  }
}

/// Quotient and remainder: AL and AH, else the lower and upper register of the pair.
template <class T>
void write_quotient(Cpu* cpu, T quotient, T remainder) {
  if constexpr (sizeof(T) == 1) {
    write_gpr<u8>(cpu, RAX * 8, quotient);
    write_gpr<u8>(cpu, RAX * 8 + 1, remainder);
  } else {
    write_gpr<T>(cpu, RAX * 8, quotient);
    write_gpr<T>(cpu, RDX * 8, remainder);
  }
}

/// dividend / divisor, known to fit T. Most 128-bit dividends have an empty upper half: those divide in one step.
template <class T>
T narrow_quotient(Double<T> dividend, T divisor) {
  if constexpr (sizeof(T) == 8) {
    if (upper_half<T>(dividend) == 0) return static_cast<T>(dividend) / divisor;
  }
  return static_cast<T>(dividend / divisor);
}

}  // namespace tsbhyve::soft
