// SPDX-License-Identifier: BSD-2-Clause
#include "unpacked.h"

#include <bit>

namespace tsbhyve::soft::fp {

namespace {

Unpacked nan_of(bool sign, uint64_t significand) {
  const Kind kind = (significand & quiet_bit) != 0 ? Kind::quiet_nan : Kind::signaling_nan;
  return {kind, sign, false, 0, significand};
}

Unpacked normalized_denormal(bool sign, int32_t exponent, uint64_t significand) {
  const int shift = std::countl_zero(significand);
  return {Kind::finite, sign, true, exponent - shift, significand << shift};
}

// `fraction` is the stored fraction, moved up so that its first bit stands at bit 62.
Unpacked unpack_interchange(const Target& target, bool zero_denormals, bool sign, int32_t biased, uint64_t fraction) {
  const int32_t all_ones = 2 * target.max_exponent + 1;
  if (biased == all_ones) return fraction == 0 ? make_infinity(sign) : nan_of(sign, fraction | integer_bit);
  if (biased != 0) return {Kind::finite, sign, false, biased - target.max_exponent, fraction | integer_bit};
  if (fraction == 0 || zero_denormals) return make_zero(sign);
  return normalized_denormal(sign, target.min_exponent, fraction);
}

struct Fields {
  uint64_t biased;
  uint64_t fraction;  // as stored
};

Fields interchange_fields(const Target& target, const Unpacked& value) {
  const auto all_ones = static_cast<uint64_t>(2 * target.max_exponent + 1);
  const uint64_t fraction = (value.significand & ~integer_bit) >> (64 - target.precision);
  switch (value.kind) {
    case Kind::zero: return {0, 0};
    case Kind::infinity: return {all_ones, 0};
    case Kind::finite:
      if ((value.significand & integer_bit) == 0) return {0, fraction};
      return {static_cast<uint64_t>(value.exponent + target.max_exponent), fraction};
    default: return {all_ones, fraction};
  }
}

}  // namespace

Unpacked unpack(const Context& context, Float32 value) {
  return unpack_interchange(Layout<Float32>::target, context.denormals_are_zero, (value.bits >> 31) != 0,
                            static_cast<int32_t>((value.bits >> 23) & 0xFF), uint64_t{value.bits & 0x7FFFFF} << 40);
}

Unpacked unpack(const Context& context, Float64 value) {
  return unpack_interchange(Layout<Float64>::target, context.denormals_are_zero, (value.bits >> 63) != 0,
                            static_cast<int32_t>((value.bits >> 52) & 0x7FF), (value.bits & 0xFFFFFFFFFFFFF) << 11);
}

// SDM volume 1, 8.2.2: with a non-zero exponent the integer bit must be set, anything else is unsupported.
Unpacked unpack(const Context&, Float80 value) {
  const bool sign = (value.sign_exponent & 0x8000) != 0;
  const int32_t biased = value.sign_exponent & 0x7FFF;
  const bool integer = (value.significand & integer_bit) != 0;
  if (biased == 0) {
    if (value.significand == 0) return make_zero(sign);
    return normalized_denormal(sign, Layout<Float80>::target.min_exponent, value.significand);
  }
  if (!integer) return {Kind::unsupported, sign, false, 0, value.significand};
  if (biased != 0x7FFF) return {Kind::finite, sign, false, biased - extended_bias, value.significand};
  return value.significand == integer_bit ? make_infinity(sign) : nan_of(sign, value.significand);
}

template <>
Float32 pack<Float32>(const Unpacked& value) {
  const Fields fields = interchange_fields(Layout<Float32>::target, value);
  return {static_cast<uint32_t>((value.sign ? uint64_t{1} << 31 : 0) | fields.biased << 23 | fields.fraction)};
}

template <>
Float64 pack<Float64>(const Unpacked& value) {
  const Fields fields = interchange_fields(Layout<Float64>::target, value);
  return {(value.sign ? uint64_t{1} << 63 : 0) | fields.biased << 52 | fields.fraction};
}

template <>
Float80 pack<Float80>(const Unpacked& value) {
  int32_t biased = 0x7FFF;
  if (value.kind == Kind::zero) return {0, static_cast<uint16_t>(value.sign ? 0x8000 : 0)};
  if (value.kind == Kind::finite) {
    biased = (value.significand & integer_bit) != 0 ? value.exponent + extended_bias : 0;
  }
  return {value.significand, static_cast<uint16_t>((value.sign ? 0x8000 : 0) | biased)};
}

}  // namespace tsbhyve::soft::fp
