// SPDX-License-Identifier: BSD-2-Clause
// FPATAN.
#include "operands.h"
#include "series.h"
#include "transcendental.h"

namespace tsbhyve::soft::fp {

namespace {

constexpr Exact one{false, 0, wide(integer_bit, 0)};

// pi * 2^power.
constexpr Exact pi_times(int32_t power) { return {false, 1 + power, wide(0xC90FDAA22168C234, 0xC4C6628B80DC1CD1)}; }

Exact series(const Exact& t) { return t.fraction == 0 ? t : product(t, arctangent_ratio(fixed_point(product(t, t)))); }

// The arctangent of 0 < t <= 1. Above 7/16 by atan(t) = pi/4 + atan((t - 1) / (t + 1)), which keeps the series short.
Exact first_octant(const Exact& t) {
  constexpr u128 limit = u128{7} << 125;
  if (t.exponent < -2 || (t.exponent == -2 && t.fraction < limit)) return series(t);
  return sum(pi_times(-2), series(quotient(sum(t, negated(one)), sum(t, one))));
}

// Both finite and not zero; the angle of (|x|, |y|).
Exact first_quadrant(const Exact& y, const Exact& x) {
  const bool steep = y.exponent > x.exponent || (y.exponent == x.exponent && y.fraction > x.fraction);
  if (!steep) return first_octant(quotient(y, x));
  return sum(pi_times(-1), negated(first_octant(quotient(x, y))));
}

// Some operand is zero or infinite: 0 (fraction 0), pi/4, pi/2, 3 pi/4 or pi.
Exact axis_angle(const Unpacked& y, const Unpacked& x) {
  if (y.is_infinity() && x.is_infinity()) {
    return x.sign ? sum(pi_times(-1), pi_times(-2)) : pi_times(-2);
  }
  if (y.is_infinity() || (x.is_zero() && !y.is_zero())) return pi_times(-1);
  return x.sign ? pi_times(0) : Exact{false, 0, 0};
}

Exact magnitude(const Unpacked& value) { return from_significand(false, value.exponent, value.significand); }

}  // namespace

Float80 arctangent(Context& context, const Unpacked& y, const Unpacked& x) {
  if (const auto nan = nan_result(context, NanRule::larger_significand, x, y)) return pack<Float80>(*nan);
  if (stopped_by_denormal(context, x, y)) return pack<Float80>(make_indefinite());
  Exact angle{};
  if (x.is_finite() && y.is_finite()) {
    angle = first_quadrant(magnitude(y), magnitude(x));
    if (x.sign) angle = sum(pi_times(0), negated(angle));
  } else {
    angle = axis_angle(y, x);
    if (angle.fraction == 0) return pack<Float80>(make_zero(y.sign));
  }
  angle.sign = y.sign;
  angle.fraction |= 1U;  // never exact
  return round_and_pack<Float80>(context, angle);
}

}  // namespace tsbhyve::soft::fp
