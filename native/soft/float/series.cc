// SPDX-License-Identifier: BSD-2-Clause
#include "series.h"

namespace tsbhyve::soft::fp {

namespace {

constexpr u128 one = u128{1} << 127;

// The numbers of terms leave a remainder below 2^-120 at the largest arguments.
constexpr unsigned sine_terms = 15;         // 0.62^15 / 31! < 2^-123
constexpr unsigned exponential_terms = 31;  // 0.7^31 / 32! < 2^-133
constexpr unsigned arctangent_terms = 50;   // 0.2^50 / 101 < 2^-122

u128 scaled(u128 a, u128 b) { return multiply_high_jam(a, b); }

Exact below_one(u128 value) { return normalize({false, 0, value >= one ? one - 1 : value}); }
Exact above_one(u128 value) { return normalize({false, 0, value <= one ? one + 1 : value}); }

}  // namespace

u128 fixed_point(const Exact& value) {
  const int32_t shift = -1 - value.exponent;
  return shift >= 128 ? 0 : value.fraction >> shift;
}

Exact sine_ratio(u128 z) {
  u128 total = one;
  for (unsigned k = sine_terms; k > 0; k--) total = one - scaled(z, total) / (2 * k * (2 * k + 1));
  return below_one(total);
}

Exact cosine(u128 z) {
  u128 total = one;
  for (unsigned k = sine_terms; k > 0; k--) total = one - scaled(z, total) / ((2 * k - 1) * 2 * k);
  return below_one(total);
}

Exact exponential_ratio(u128 magnitude, bool negative) {
  u128 total = one;
  for (unsigned k = exponential_terms; k > 0; k--) {
    const u128 term = scaled(magnitude, total) / (k + 1);
    total = negative ? one - term : one + term;
  }
  return negative ? below_one(total) : above_one(total);
}

Exact hyperbolic_arctangent_ratio(u128 z) {
  u128 total = 0;
  for (unsigned k = arctangent_terms; k > 0; k--) total = one / (2 * k + 1) + scaled(z, total);
  return above_one(one + scaled(z, total));
}

Exact arctangent_ratio(u128 z) {
  u128 total = 0;
  for (unsigned k = arctangent_terms; k > 0; k--) total = one / (2 * k + 1) - scaled(z, total);
  return below_one(one - scaled(z, total));
}

}  // namespace tsbhyve::soft::fp
