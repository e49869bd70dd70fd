// SPDX-License-Identifier: BSD-2-Clause
#include "round.h"

namespace tsbhyve::soft::fp {

namespace {

// SDM volume 1, 8.5.4 and 8.5.5: what is added to or taken from the exponent of an out-of-range register result.
constexpr int32_t bias_adjustment = 24576;

bool increments(Rounding rounding, bool sign, bool odd, u128 rest, u128 half) {
  switch (rounding) {
    case Rounding::nearest: return rest > half || (rest == half && odd);
    case Rounding::down: return sign && rest != 0;
    case Rounding::up: return !sign && rest != 0;
    default: return false;
  }
}

void report(Context& context, const Cut& result) {
  if (result.inexact) context.raise(inexact);
  context.rounded_up = result.up;
}

Unpacked finite(bool sign, int32_t exponent, uint64_t significand) {
  return {Kind::finite, sign, false, exponent, significand};
}

// The unmasked response where no result is delivered; what is returned is not used.
Unpacked undelivered(Context& context, const Cut& result, const Target& target) {
  if (target.out_of_range == OutOfRange::trapped) report(context, result);
  return make_indefinite();
}

Unpacked overflowed(Context& context, bool sign, int32_t exponent, const Cut& result, const Target& target) {
  const bool unmasked = !context.masked(overflow);
  context.raise(overflow);
  if (unmasked && target.out_of_range != OutOfRange::adjusted) return undelivered(context, result, target);
  if (unmasked && exponent - bias_adjustment <= target.max_exponent) {
    report(context, result);
    return finite(sign, exponent - bias_adjustment, result.significand);
  }
  context.raise(inexact);
  // FSCALE can overshoot so far that the adjusted exponent does not fit either: infinity in every mode (SDM volume 2,
  // FSCALE).
  const bool away =
      unmasked || context.rounding == Rounding::nearest || context.rounding == (sign ? Rounding::down : Rounding::up);
  context.rounded_up = away;
  if (away) return make_infinity(sign);
  return finite(sign, target.max_exponent, ~uint64_t{0} << (64 - target.precision));
}

Unpacked underflowed(Context& context, const Exact& value, int32_t exponent, const Cut& result, const Target& target) {
  const bool unmasked = !context.masked(underflow);
  if (unmasked) context.raise(underflow);
  if (unmasked && target.out_of_range != OutOfRange::adjusted) return undelivered(context, result, target);
  if (unmasked && exponent + bias_adjustment >= target.min_exponent) {
    report(context, result);
    return finite(value.sign, exponent + bias_adjustment, result.significand);
  }
  // Unmasked here means FSCALE's overshoot again: zero in every mode.
  if (unmasked || context.flush_to_zero) {
    context.raise(underflow | inexact);
    return make_zero(value.sign);
  }
  const u128 shifted = shift_right_jam(value.fraction, int64_t{target.min_exponent} - value.exponent);
  const Cut small = cut(context.rounding, value.sign, shifted, target.precision);
  if (small.inexact) context.raise(underflow);
  report(context, small);
  return small.significand == 0 ? make_zero(value.sign) : finite(value.sign, target.min_exponent, small.significand);
}

}  // namespace

Cut cut(Rounding rounding, bool sign, u128 fraction, int precision) {
  const uint64_t unit = uint64_t{1} << (64 - precision);
  const uint64_t kept = high_half(fraction) & ~(unit - 1);
  const u128 rest = fraction - wide(kept, 0);
  const bool up = increments(rounding, sign, (kept & unit) != 0, rest, wide(unit, 0) >> 1);
  const uint64_t rounded = up ? kept + unit : kept;
  const bool carried = rounded < kept;
  return {carried ? integer_bit : rounded, carried, rest != 0, up};
}

Unpacked round(Context& context, const Exact& value, const Target& target) {
  const Cut result = cut(context.rounding, value.sign, value.fraction, target.precision);
  const int32_t exponent = value.exponent + (result.carried ? 1 : 0);
  if (exponent > target.max_exponent) return overflowed(context, value.sign, exponent, result, target);
  if (exponent < target.min_exponent) return underflowed(context, value, exponent, result, target);
  report(context, result);
  return finite(value.sign, exponent, result.significand);
}

Target controlled_target(const Context& context) {
  Target target = Layout<Float80>::target;
  if (context.precision == Precision::single) target.precision = Layout<Float32>::target.precision;
  if (context.precision == Precision::twice) target.precision = Layout<Float64>::target.precision;
  return target;
}

}  // namespace tsbhyve::soft::fp
