// SPDX-License-Identifier: BSD-2-Clause
#include "integer.h"

#include <bit>
#include <type_traits>

#include "operands.h"

namespace tsbhyve::soft::fp {

namespace {

constexpr uint64_t decimal_limit = 1'000'000'000'000'000'000;
constexpr PackedDecimal decimal_indefinite{0, 0, 0, 0, 0, 0, 0, 0xC0, 0xFF, 0xFF};

struct Magnitude {
  uint64_t value;
  bool too_large;  // 2^64 or more
  bool inexact;
  bool up;
};

Magnitude magnitude_of(Rounding rounding, const Unpacked& value) {
  if (value.is_zero()) return {0, false, false, false};
  if (value.exponent > 63) return {0, true, false, false};
  // Two to the 64th at fraction bit 127, so that the integer occupies the upper half.
  const u128 fraction = shift_right_jam(wide(value.significand, 0), 63 - value.exponent);
  const Cut result = cut(rounding, value.sign, fraction, 64);
  return {result.significand, result.carried, result.inexact, result.up};
}

// The rounded magnitude if the value is a number and not above `limit`; else invalid is raised.
std::optional<uint64_t> fitting_magnitude(Context& context, Rounding rounding, const Unpacked& value, uint64_t limit) {
  if (value.is_zero() || value.is_finite()) {
    const Magnitude magnitude = magnitude_of(rounding, value);
    if (!magnitude.too_large && magnitude.value <= limit) {
      if (magnitude.inexact) context.raise(inexact);
      context.rounded_up = magnitude.up;
      return magnitude.value;
    }
  }
  context.raise(invalid);
  return std::nullopt;
}

}  // namespace

Unpacked unpack_integer(int64_t value) {
  if (value == 0) return make_zero(false);
  const bool sign = value < 0;
  const auto bits = static_cast<uint64_t>(value);
  const uint64_t magnitude = sign ? uint64_t{0} - bits : bits;
  const int shift = std::countl_zero(magnitude);
  return {Kind::finite, sign, false, 63 - shift, magnitude << shift};
}

template <class F>
F from_integer(Context& context, int64_t value) {
  const Unpacked operand = unpack_integer(value);
  return operand.is_zero() ? pack<F>(operand) : round_and_pack<F>(context, exact(operand));
}

int64_t to_integer(Context& context, Rounding rounding, IntegerWidth width, const Unpacked& value) {
  const uint64_t most_negative = uint64_t{1} << (static_cast<unsigned>(width) - 1);
  const auto magnitude = fitting_magnitude(context, rounding, value, value.sign ? most_negative : most_negative - 1);
  if (!magnitude) return static_cast<int64_t>(uint64_t{0} - most_negative);
  return static_cast<int64_t>(value.sign ? uint64_t{0} - *magnitude : *magnitude);
}

template <class F>
F round_to_integral(Context& context, Rounding rounding, const Unpacked& value) {
  if (const auto nan = nan_result(context, value)) return pack<F>(*nan);
  if (!value.is_finite()) return pack<F>(value);
  if (std::is_same_v<F, Float80> && stopped_by_denormal(context, value)) return pack<F>(make_indefinite());
  if (value.exponent >= 63) return pack<F>(value);
  const Magnitude magnitude = magnitude_of(rounding, value);
  if (magnitude.inexact) context.raise(inexact);
  context.rounded_up = magnitude.up;
  if (magnitude.value == 0) return pack<F>(make_zero(value.sign));
  const int shift = std::countl_zero(magnitude.value);
  return pack<F>({Kind::finite, value.sign, false, 63 - shift, magnitude.value << shift});
}

Float80 from_decimal(const PackedDecimal& decimal) {
  uint64_t magnitude = 0;
  for (size_t i = 9; i-- > 0;) {
    magnitude = magnitude * 100 + (uint64_t{decimal[i]} >> 4) * 10 + (decimal[i] & 0xFU);
  }
  const bool sign = (decimal[9] & 0x80) != 0;
  if (magnitude == 0) return pack<Float80>(make_zero(sign));
  const int shift = std::countl_zero(magnitude);
  return pack<Float80>({Kind::finite, sign, false, 63 - shift, magnitude << shift});
}

PackedDecimal to_decimal(Context& context, const Unpacked& value) {
  const auto magnitude = fitting_magnitude(context, context.rounding, value, decimal_limit - 1);
  if (!magnitude) return decimal_indefinite;
  PackedDecimal decimal{};
  uint64_t rest = *magnitude;
  for (size_t i = 0; i < 9; i++) {
    decimal[i] = static_cast<uint8_t>(rest % 10 | (rest / 10 % 10) << 4);
    rest /= 100;
  }
  decimal[9] = value.sign ? 0x80 : 0;
  return decimal;
}

template Float32 from_integer<Float32>(Context&, int64_t);
template Float64 from_integer<Float64>(Context&, int64_t);
template Float80 from_integer<Float80>(Context&, int64_t);
template Float32 round_to_integral<Float32>(Context&, Rounding, const Unpacked&);
template Float64 round_to_integral<Float64>(Context&, Rounding, const Unpacked&);
template Float80 round_to_integral<Float80>(Context&, Rounding, const Unpacked&);

}  // namespace tsbhyve::soft::fp
