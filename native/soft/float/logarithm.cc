// SPDX-License-Identifier: BSD-2-Clause
// F2XM1, FYL2X, FYL2XP1.
#include "integer.h"
#include "operands.h"
#include "series.h"
#include "transcendental.h"

namespace tsbhyve::soft::fp {

namespace {

constexpr Exact one{false, 0, wide(integer_bit, 0)};
constexpr Exact two{false, 1, wide(integer_bit, 0)};
constexpr Exact ln_2{false, -1, wide(0xB17217F7D1CF79AB, 0xC9E3B39803F2F6AF)};
constexpr Exact two_over_ln_2{false, 1, wide(0xB8AA3B295C17F0BB, 0xBE87FED0691D3E88)};
constexpr u128 root_of_two = wide(0xB504F333F9DE6484, 0x597D89B3754ABE9F);

// log2 of (1 + s) / (1 - s), |s| <= 0.172: 2 / ln 2 * atanh(s).
Exact logarithm_by_ratio(const Exact& s) {
  const u128 square = fixed_point(product(s, s));
  return product(product(s, hyperbolic_arctangent_ratio(square)), two_over_ln_2);
}

// log2 of a positive number other than a power of two.
Exact logarithm_of(const Exact& x) {
  // Brought to between the roots of 1/2 and 2.
  const bool above = x.fraction > root_of_two;
  const Exact mantissa{false, above ? -1 : 0, x.fraction};
  const Exact ratio = quotient(sum(mantissa, negated(one)), sum(mantissa, one));
  return sum(exact(unpack_integer(x.exponent + (above ? 1 : 0))), logarithm_by_ratio(ratio));
}

bool is_power_of_two(const Exact& x) { return x.fraction == one.fraction; }

Float80 rounded(Context& context, Exact value) {
  value.fraction |= 1U;  // never exact
  return round_and_pack<Float80>(context, value);
}

// y * log2(x) where log2(x) is infinite: x is infinite, or zero (`negative`).
Unpacked infinite_logarithm(Context& context, const Unpacked& y, bool negative) {
  if (y.is_zero()) return invalid_result(context);
  if (negative && y.is_finite()) context.raise(zero_divide);
  return make_infinity(y.sign != negative);
}

// y * log2(x), x positive and finite, by the magnitude of the logarithm.
Float80 scaled_logarithm(Context& context, const Unpacked& y, const Exact& log) {
  if (y.is_infinity()) {
    return pack<Float80>(log.fraction == 0 ? invalid_result(context) : make_infinity(y.sign != log.sign));
  }
  if (y.is_zero() || log.fraction == 0) return pack<Float80>(make_zero(y.sign != log.sign));
  return round_and_pack<Float80>(context, product(exact(y), log));
}

// An irrational logarithm carries its jam bit into the product.
Exact inexactly(Exact value) {
  value.fraction |= 1U;
  return value;
}

Exact any_logarithm(const Exact& x) {
  return is_power_of_two(x) ? exact(unpack_integer(x.exponent)) : inexactly(logarithm_of(x));
}

}  // namespace

Float80 exponential_minus_one(Context& context, const Unpacked& x) {
  if (const auto nan = nan_result(context, x)) return pack<Float80>(*nan);
  if (x.is_infinity()) return pack<Float80>(x.sign ? Unpacked{Kind::finite, true, false, 0, integer_bit} : x);
  if (stopped_by_denormal(context, x)) return pack<Float80>(make_indefinite());
  if (x.is_zero()) return pack<Float80>(x);
  if (x.exponent >= 0) {
    const bool minus_one = x.sign && x.exponent == 0 && x.significand == integer_bit;
    return pack<Float80>(minus_one ? Unpacked{Kind::finite, true, false, -1, integer_bit} : x);
  }
  const Exact power = product(exact(x), ln_2);
  return rounded(context, product(power, exponential_ratio(fixed_point(power), x.sign)));
}

Float80 logarithm(Context& context, const Unpacked& y, const Unpacked& x) {
  if (const auto nan = nan_result(context, NanRule::larger_significand, x, y)) return pack<Float80>(*nan);
  if (x.sign && !x.is_zero()) return pack<Float80>(invalid_result(context));
  if (x.is_zero()) return pack<Float80>(infinite_logarithm(context, y, true));
  if (stopped_by_denormal(context, x, y)) return pack<Float80>(make_indefinite());
  if (x.is_infinity()) return pack<Float80>(infinite_logarithm(context, y, false));
  return scaled_logarithm(context, y, any_logarithm(exact(x)));
}

Float80 logarithm_plus_one(Context& context, const Unpacked& y, const Unpacked& x) {
  if (const auto nan = nan_result(context, NanRule::larger_significand, x, y)) return pack<Float80>(*nan);
  const Exact argument = x.is_infinity() ? Exact{x.sign, 0, 0} : sum(one, exact(x));
  if (argument.sign && (x.is_infinity() || argument.fraction != 0)) return pack<Float80>(invalid_result(context));
  if (x.is_infinity()) return pack<Float80>(infinite_logarithm(context, y, false));
  if (argument.fraction == 0) return pack<Float80>(infinite_logarithm(context, y, true));
  if (stopped_by_denormal(context, x, y)) return pack<Float80>(make_indefinite());
  if (x.is_zero()) return scaled_logarithm(context, y, {x.sign, 0, 0});
  // Small x itself carries the digits; 1 + x would lose them.
  if (x.exponent < -2) {
    return scaled_logarithm(context, y, inexactly(logarithm_by_ratio(quotient(exact(x), sum(two, exact(x))))));
  }
  return scaled_logarithm(context, y, any_logarithm(argument));
}

}  // namespace tsbhyve::soft::fp
