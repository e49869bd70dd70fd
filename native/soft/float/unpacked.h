// SPDX-License-Identifier: BSD-2-Clause
// One decoded form for all three encodings, so that every operation is written once.
#pragma once

#include <cstdint>

#include "context.h"
#include "exact.h"
#include "format.h"

namespace tsbhyve::soft::fp {

enum class Kind : uint8_t { zero, finite, infinity, quiet_nan, signaling_nan, unsupported };

// `significand` has its integer bit at bit 63. Finite: normalized, value significand * 2^(exponent - 63).
// NaN: the payload as it would stand in an 80-bit register.
struct Unpacked {
  Kind kind;
  bool sign;
  bool denormal;  // the encoding was a denormal or pseudo-denormal
  int32_t exponent;
  uint64_t significand;

  bool is_nan() const { return kind == Kind::quiet_nan || kind == Kind::signaling_nan; }
  bool is_zero() const { return kind == Kind::zero; }
  bool is_finite() const { return kind == Kind::finite; }
  bool is_infinity() const { return kind == Kind::infinity; }
};

// Decoding raises nothing. Denormals-are-zero acts here, on the SSE formats only.
Unpacked unpack(const Context& context, Float32 value);
Unpacked unpack(const Context& context, Float64 value);
Unpacked unpack(const Context& context, Float80 value);

// Encodes without rounding: the significand must fit. A finite significand without bit 63 is a denormal.
template <class F>
F pack(const Unpacked& value);

constexpr Unpacked make_zero(bool sign) { return {Kind::zero, sign, false, 0, 0}; }
constexpr Unpacked make_infinity(bool sign) { return {Kind::infinity, sign, false, 0, integer_bit}; }
// The "real indefinite" (SDM volume 1, 4.8.3.7).
constexpr Unpacked make_indefinite() { return {Kind::quiet_nan, true, false, 0, integer_bit | quiet_bit}; }

constexpr Exact exact(const Unpacked& value) {
  return value.kind == Kind::zero ? Exact{value.sign, 0, 0}
                                  : from_significand(value.sign, value.exponent, value.significand);
}

}  // namespace tsbhyve::soft::fp
