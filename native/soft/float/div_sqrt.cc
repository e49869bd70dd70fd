// SPDX-License-Identifier: BSD-2-Clause
#include "arithmetic.h"
#include "operands.h"

namespace tsbhyve::soft::fp {

namespace {

// Two steps of long division give 126 quotient digits of two 64-bit significands; the rest is jammed.
Exact quotient_of(const Unpacked& a, const Unpacked& b) {
  const u128 first = u128{a.significand} << 63;
  const u128 second = (first % b.significand) << 63;
  u128 digits = ((first / b.significand) << 63) + second / b.significand;
  if (second % b.significand != 0) digits |= 1U;
  return normalize({a.sign != b.sign, a.exponent - b.exponent + 1, digits});
}

Unpacked divide_with(Context& context, const Profile& profile, const Unpacked& a, const Unpacked& b) {
  const bool sign = a.sign != b.sign;
  if ((a.is_infinity() && b.is_infinity()) || (a.is_zero() && b.is_zero())) return invalid_result(context);
  if (b.is_zero() && a.is_finite()) {
    context.raise(zero_divide);
    return make_infinity(sign);
  }
  if (stopped_by_denormal(context, a, b)) return make_indefinite();
  if (a.is_infinity()) return make_infinity(sign);
  if (a.is_zero() || b.is_infinity()) return make_zero(sign);
  return round(context, quotient_of(a, b), profile.target);
}

// An even power of two is split off, leaving an integer radicand of at most 65 bits; its root gets 68 digits and a jam
// bit.
Exact root_of(const Unpacked& a) {
  const bool odd = (a.exponent & 1) != 0;
  const u128 radicand = u128{a.significand} << (odd ? 0 : 1);
  u128 remainder = 0;
  u128 root = 0;
  // Digit by digit, two radicand bits a turn; below bit 0 the radicand continues with zeros.
  for (int shift = 64; shift > -72; shift -= 2) {
    const uint64_t pair = shift >= 0 ? low_half(radicand >> shift) & 3 : 0;
    remainder = remainder << 2 | pair;
    const u128 trial = root << 2 | 1U;
    root <<= 1;
    if (remainder >= trial) {
      remainder -= trial;
      root |= 1U;
    }
  }
  const u128 fraction = root << 60 | (remainder != 0 ? 1U : 0U);
  return normalize({false, (odd ? a.exponent + 1 : a.exponent) / 2, fraction});
}

Unpacked root_with(Context& context, const Profile& profile, const Unpacked& a) {
  if (a.is_zero()) return a;
  if (a.sign) return invalid_result(context);
  if (a.is_infinity()) return a;
  if (stopped_by_denormal(context, a)) return make_indefinite();
  return round(context, root_of(a), profile.target);
}

}  // namespace

template <class F>
F divide(Context& context, const Unpacked& a, const Unpacked& b) {
  const Profile profile = profile_of<F>(context);
  if (const auto nan = nan_result(context, profile.nan_rule, a, b)) return pack<F>(*nan);
  return pack<F>(divide_with(context, profile, a, b));
}

template <class F>
F square_root(Context& context, const Unpacked& a) {
  if (const auto nan = nan_result(context, a)) return pack<F>(*nan);
  return pack<F>(root_with(context, profile_of<F>(context), a));
}

template Float32 divide<Float32>(Context&, const Unpacked&, const Unpacked&);
template Float64 divide<Float64>(Context&, const Unpacked&, const Unpacked&);
template Float80 divide<Float80>(Context&, const Unpacked&, const Unpacked&);
template Float32 square_root<Float32>(Context&, const Unpacked&);
template Float64 square_root<Float64>(Context&, const Unpacked&);
template Float80 square_root<Float80>(Context&, const Unpacked&);

}  // namespace tsbhyve::soft::fp
