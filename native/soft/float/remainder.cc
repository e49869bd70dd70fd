// SPDX-License-Identifier: BSD-2-Clause
#include "remainder.h"

#include "integer.h"
#include "operands.h"

namespace tsbhyve::soft::fp {

namespace {

// SDM volume 2, FPREM: an exponent difference of 64 or more is reduced by N = 32..63 a time. We follow the usual
// choice, N = 32 + difference mod 32, with which the last partial step ends below 64.
constexpr int32_t full_reduction = 64;

struct Division {
  uint64_t rest;      // below the divisor's significand, same scale
  uint64_t quotient;  // low 64 bits
};

// Long division of a * 2^shift by b.
Division divide_integers(uint64_t a, uint64_t b, int32_t shift) {
  u128 rest = a;
  uint64_t quotient = 0;
  for (int32_t i = 0;; i++) {
    quotient <<= 1;
    if (rest >= b) {
      rest -= b;
      quotient |= 1;
    }
    if (i == shift) return {low_half(rest), quotient};
    rest <<= 1;
  }
}

// `rest` carries the weight of a significand with the given exponent.
Float80 packed_rest(Context& context, bool sign, int32_t exponent, u128 rest) {
  if (rest == 0) return pack<Float80>(make_zero(sign));
  return round_and_pack<Float80>(context, normalize({sign, exponent, rest << 64}));
}

Remainder partial(Context& context, const Unpacked& dividend, const Unpacked& divisor, int32_t difference) {
  const int32_t step = 32 + difference % 32;
  const Division division = divide_integers(dividend.significand, divisor.significand, step);
  const Float80 value = packed_rest(context, dividend.sign, dividend.exponent - step, division.rest);
  return {value, 0, true, true};
}

Remainder complete(Context& context, Quotient kind, const Unpacked& dividend, const Unpacked& divisor,
                   int32_t difference) {
  Division division{dividend.significand, 0};
  int32_t exponent = dividend.exponent;
  if (difference >= 0) {
    division = divide_integers(dividend.significand, divisor.significand, difference);
    exponent = divisor.exponent;
  }
  bool sign = dividend.sign;
  if (kind == Quotient::nearest && difference >= -1) {
    // Compare twice the rest with the divisor, at the scale of the rest.
    const u128 scaled_divisor = u128{divisor.significand} << (difference < 0 ? 1 : 0);
    const u128 doubled = u128{division.rest} << 1;
    if (doubled > scaled_divisor || (doubled == scaled_divisor && (division.quotient & 1) != 0)) {
      division.rest = low_half(scaled_divisor - division.rest);
      division.quotient++;
      sign = !sign;
    }
  }
  const Float80 value = packed_rest(context, division.rest == 0 ? dividend.sign : sign, exponent, division.rest);
  return {value, static_cast<uint8_t>(division.quotient & 7), false, true};
}

// Far beyond any exponent difference of two registers.
constexpr int32_t scale_limit = 0x10000;

int32_t scale_power(const Unpacked& power) {
  if (power.is_zero() || power.exponent < 0) return 0;
  if (power.exponent > 15) return power.sign ? -scale_limit : scale_limit;
  const auto magnitude = static_cast<int32_t>(power.significand >> (63 - power.exponent));
  return power.sign ? -magnitude : magnitude;
}

Unpacked scale_with(Context& context, const Unpacked& value, const Unpacked& power) {
  if (power.is_infinity()) {
    if (power.sign ? value.is_infinity() : value.is_zero()) return invalid_result(context);
    if (stopped_by_denormal(context, value)) return make_indefinite();
    return power.sign ? make_zero(value.sign) : make_infinity(value.sign);
  }
  if (stopped_by_denormal(context, value, power)) return make_indefinite();
  if (!value.is_finite()) return value;
  Exact scaled = exact(value);
  scaled.exponent += scale_power(power);
  return round(context, scaled, Layout<Float80>::target);
}

}  // namespace

Remainder remainder(Context& context, Quotient kind, const Unpacked& dividend, const Unpacked& divisor) {
  const auto undivided = [](const Unpacked& value) { return Remainder{pack<Float80>(value), 0, false, false}; };
  if (const auto nan = nan_result(context, NanRule::larger_significand, dividend, divisor)) return undivided(*nan);
  if (dividend.is_infinity() || divisor.is_zero()) return undivided(invalid_result(context));
  if (stopped_by_denormal(context, dividend, divisor)) return undivided(make_indefinite());
  if (dividend.is_zero()) return {pack<Float80>(dividend), 0, false, true};
  if (divisor.is_infinity()) return {round_and_pack<Float80>(context, exact(dividend)), 0, false, true};
  const int32_t difference = dividend.exponent - divisor.exponent;
  if (difference >= full_reduction) return partial(context, dividend, divisor, difference);
  return complete(context, kind, dividend, divisor, difference);
}

Float80 scale(Context& context, const Unpacked& value, const Unpacked& power) {
  if (const auto nan = nan_result(context, NanRule::larger_significand, value, power)) return pack<Float80>(*nan);
  return pack<Float80>(scale_with(context, value, power));
}

Extracted extract(Context& context, const Unpacked& value) {
  if (const auto nan = nan_result(context, value)) return {pack<Float80>(*nan), pack<Float80>(*nan)};
  if (value.is_infinity()) return {pack<Float80>(make_infinity(false)), pack<Float80>(value)};
  if (value.is_zero()) {
    context.raise(zero_divide);
    return {pack<Float80>(make_infinity(true)), pack<Float80>(value)};
  }
  if (stopped_by_denormal(context, value)) return {pack<Float80>(value), pack<Float80>(value)};
  Unpacked significand = value;
  significand.exponent = 0;
  return {pack<Float80>(unpack_integer(value.exponent)), pack<Float80>(significand)};
}

}  // namespace tsbhyve::soft::fp
