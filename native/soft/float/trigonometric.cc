// SPDX-License-Identifier: BSD-2-Clause
// FSIN, FCOS, FSINCOS, FPTAN.
#include <optional>

#include "operands.h"
#include "series.h"
#include "transcendental.h"

namespace tsbhyve::soft::fp {

namespace {

constexpr int32_t range_exponent = 63;

// pi/2 = half_pi * 2^-65, from the 66-bit pi of transcendental.h.
constexpr u128 half_pi = wide(0x3, 0x243F6A8885A308D3);
constexpr int32_t half_pi_scale = -65;

// |x| = quadrant * pi/2 + rest, with the rest and what is missing to the next quadrant.
struct Reduced {
  unsigned quadrant;  // modulo 4
  Exact rest;
  Exact complement;  // pi/2 - rest
  bool beyond_half;  // the rest exceeds pi/4
};

Exact from_units(u128 units) { return normalize({false, 127 + half_pi_scale, units}); }

Reduced reduce(const Unpacked& x) {
  const Exact magnitude = from_significand(false, x.exponent, x.significand);
  // Below pi/8 the argument is used as it is: it may have digits below the unit of the reduction.
  if (x.exponent < -1) return {0, magnitude, {}, false};
  u128 rest = x.significand;
  unsigned quadrant = 0;
  // x.significand is below half_pi, so division by doubling starts with a proper rest.
  for (int32_t weight = x.exponent - 63; weight > half_pi_scale; weight--) {
    rest <<= 1;
    quadrant <<= 1;
    if (rest >= half_pi) {
      rest -= half_pi;
      quadrant |= 1;
    }
  }
  return {quadrant & 3, from_units(rest), from_units(half_pi - rest), 2 * rest > half_pi};
}

Exact series_sine(const Exact& r) { return product(r, sine_ratio(fixed_point(product(r, r)))); }
Exact series_cosine(const Exact& r) { return cosine(fixed_point(product(r, r))); }

// Sine and cosine of the rest, both positive.
Exact rest_sine(const Reduced& reduced) {
  return reduced.beyond_half ? series_cosine(reduced.complement) : series_sine(reduced.rest);
}
Exact rest_cosine(const Reduced& reduced) {
  return reduced.beyond_half ? series_sine(reduced.complement) : series_cosine(reduced.rest);
}

Exact sine_of(const Reduced& reduced, bool negative) {
  Exact value = (reduced.quadrant & 1) != 0 ? rest_cosine(reduced) : rest_sine(reduced);
  value.sign = ((reduced.quadrant & 2) != 0) != negative;
  return value;
}

Exact cosine_of(const Reduced& reduced) {
  Exact value = (reduced.quadrant & 1) != 0 ? rest_sine(reduced) : rest_cosine(reduced);
  value.sign = reduced.quadrant == 1 || reduced.quadrant == 2;
  return value;
}

Float80 rounded(Context& context, Exact value) {
  value.fraction |= 1U;  // never exact
  return round_and_pack<Float80>(context, value);
}

// NaNs, infinities, out of range and stops; then `value` is what the instruction leaves.
std::optional<Circular> decided(Context& context, const Unpacked& x) {
  if (const auto nan = nan_result(context, x)) return Circular{pack<Float80>(*nan), false};
  if (x.is_infinity()) return Circular{pack<Float80>(invalid_result(context)), false};
  if (x.is_finite() && x.exponent >= range_exponent) return Circular{pack<Float80>(x), true};
  if (stopped_by_denormal(context, x)) return Circular{pack<Float80>(make_indefinite()), false};
  return std::nullopt;
}

const Unpacked positive_one{Kind::finite, false, false, 0, integer_bit};

}  // namespace

Circular sine(Context& context, const Unpacked& x) {
  if (const auto result = decided(context, x)) return *result;
  if (x.is_zero()) return {pack<Float80>(x), false};
  return {rounded(context, sine_of(reduce(x), x.sign)), false};
}

Circular cosine(Context& context, const Unpacked& x) {
  if (const auto result = decided(context, x)) return *result;
  if (x.is_zero()) return {pack<Float80>(positive_one), false};
  return {rounded(context, cosine_of(reduce(x))), false};
}

Circular tangent(Context& context, const Unpacked& x) {
  if (const auto result = decided(context, x)) return *result;
  if (x.is_zero()) return {pack<Float80>(x), false};
  const Reduced reduced = reduce(x);
  return {rounded(context, quotient(sine_of(reduced, x.sign), cosine_of(reduced))), false};
}

SineCosine sine_and_cosine(Context& context, const Unpacked& x) {
  const Circular first = sine(context, x);
  const Circular second = cosine(context, x);
  return {first.value, second.value, first.out_of_range};
}

}  // namespace tsbhyve::soft::fp
