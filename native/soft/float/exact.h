// SPDX-License-Identifier: BSD-2-Clause
// The working number: sign and 128-bit fraction, wide enough that one final rounding to 64 bits or fewer is the right
// one.
#pragma once

#include <cstdint>

#include "wide.h"

namespace tsbhyve::soft::fp {

// (-1)^sign * fraction * 2^(exponent - 127). Bit 127 is set unless the number is zero; bit 0 is also the jam bit.
struct Exact {
  bool sign;
  int32_t exponent;
  u128 fraction;
};

constexpr Exact from_significand(bool sign, int32_t exponent, uint64_t significand) {
  return {sign, exponent, wide(significand, 0)};
}

// Sum, product and quotient with 128-bit fractions, truncated and jammed. The divisor of `quotient` is not zero.
Exact normalize(Exact value);
Exact sum(Exact a, Exact b);
Exact product(const Exact& a, const Exact& b);
Exact quotient(const Exact& a, const Exact& b);
Exact negated(const Exact& value);

}  // namespace tsbhyve::soft::fp
