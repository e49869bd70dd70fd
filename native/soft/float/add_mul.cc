// SPDX-License-Identifier: BSD-2-Clause
#include "arithmetic.h"
#include "operands.h"

namespace tsbhyve::soft::fp {

namespace {

// x - x and the sum of zeros of unlike sign (SDM volume 1, 4.8.3.1).
Unpacked cancelled(const Context& context) { return make_zero(context.rounding == Rounding::down); }

Unpacked add_with(Context& context, const Profile& profile, const Unpacked& a, const Unpacked& b) {
  if (a.is_infinity() && b.is_infinity() && a.sign != b.sign) return invalid_result(context);
  if (stopped_by_denormal(context, a, b)) return make_indefinite();
  if (a.is_infinity()) return a;
  if (b.is_infinity()) return b;
  const Exact total = sum(exact(a), exact(b));
  if (total.fraction != 0) return round(context, total, profile.target);
  return a.is_zero() && b.is_zero() && a.sign == b.sign ? a : cancelled(context);
}

Unpacked multiply_with(Context& context, const Profile& profile, const Unpacked& a, const Unpacked& b) {
  const bool sign = a.sign != b.sign;
  if ((a.is_infinity() && b.is_zero()) || (a.is_zero() && b.is_infinity())) return invalid_result(context);
  if (stopped_by_denormal(context, a, b)) return make_indefinite();
  if (a.is_infinity() || b.is_infinity()) return make_infinity(sign);
  if (a.is_zero() || b.is_zero()) return make_zero(sign);
  const u128 fraction = multiply(a.significand, b.significand);
  return round(context, normalize({sign, a.exponent + b.exponent + 1, fraction}), profile.target);
}

}  // namespace

template <class F>
F add(Context& context, const Unpacked& a, const Unpacked& b) {
  const Profile profile = profile_of<F>(context);
  if (const auto nan = nan_result(context, profile.nan_rule, a, b)) return pack<F>(*nan);
  return pack<F>(add_with(context, profile, a, b));
}

template <class F>
F subtract(Context& context, const Unpacked& a, const Unpacked& b) {
  const Profile profile = profile_of<F>(context);
  // A NaN keeps its sign: only numbers are negated.
  if (const auto nan = nan_result(context, profile.nan_rule, a, b)) return pack<F>(*nan);
  Unpacked opposite = b;
  opposite.sign = !b.sign;
  return pack<F>(add_with(context, profile, a, opposite));
}

template <class F>
F multiply(Context& context, const Unpacked& a, const Unpacked& b) {
  const Profile profile = profile_of<F>(context);
  if (const auto nan = nan_result(context, profile.nan_rule, a, b)) return pack<F>(*nan);
  return pack<F>(multiply_with(context, profile, a, b));
}

template Float32 add<Float32>(Context&, const Unpacked&, const Unpacked&);
template Float64 add<Float64>(Context&, const Unpacked&, const Unpacked&);
template Float80 add<Float80>(Context&, const Unpacked&, const Unpacked&);
template Float32 subtract<Float32>(Context&, const Unpacked&, const Unpacked&);
template Float64 subtract<Float64>(Context&, const Unpacked&, const Unpacked&);
template Float80 subtract<Float80>(Context&, const Unpacked&, const Unpacked&);
template Float32 multiply<Float32>(Context&, const Unpacked&, const Unpacked&);
template Float64 multiply<Float64>(Context&, const Unpacked&, const Unpacked&);
template Float80 multiply<Float80>(Context&, const Unpacked&, const Unpacked&);

}  // namespace tsbhyve::soft::fp
