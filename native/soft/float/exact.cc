// SPDX-License-Identifier: BSD-2-Clause
#include "exact.h"

#include <utility>

namespace tsbhyve::soft::fp {

Exact normalize(Exact value) {
  if (value.fraction == 0) return value;
  const int shift = leading_zeros(value.fraction);
  return {value.sign, value.exponent - shift, value.fraction << shift};
}

Exact negated(const Exact& value) { return {!value.sign, value.exponent, value.fraction}; }

Exact sum(Exact a, Exact b) {
  if (a.fraction == 0) return b;
  if (b.fraction == 0) return a;
  if (a.exponent < b.exponent || (a.exponent == b.exponent && a.fraction < b.fraction)) std::swap(a, b);
  // One bit of head room for the carry; operands of 64 bits lose nothing, wider ones keep a jammed bit 126.
  const u128 big = shift_right_jam(a.fraction, 1);
  const u128 small = shift_right_jam(b.fraction, int64_t{a.exponent} - b.exponent + 1);
  return normalize({a.sign, a.exponent + 1, a.sign == b.sign ? big + small : big - small});
}

Exact product(const Exact& a, const Exact& b) {
  return normalize({a.sign != b.sign, a.exponent + b.exponent + 1, multiply_high_jam(a.fraction, b.fraction)});
}

Exact quotient(const Exact& a, const Exact& b) {
  u128 remainder = a.fraction;
  u128 digits = 0;
  // Restoring division, one digit a turn. `carry` is bit 128 of the doubled remainder.
  bool carry = false;
  for (int i = 0; i < 128; i++) {
    digits <<= 1;
    if (carry || remainder >= b.fraction) {
      remainder -= b.fraction;
      digits |= 1U;
    }
    carry = (remainder >> 127) != 0;
    remainder <<= 1;
  }
  if (carry || remainder != 0) digits |= 1U;
  return normalize({a.sign != b.sign, a.exponent - b.exponent, digits});
}

}  // namespace tsbhyve::soft::fp
