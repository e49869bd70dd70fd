// SPDX-License-Identifier: BSD-2-Clause
// The three encodings (Intel SDM volume 1, 4.2.2 and 4.8).
#pragma once

#include <cstdint>

namespace tsbhyve::soft::fp {

struct Float32 {
  uint32_t bits;
};

struct Float64 {
  uint64_t bits;
};

struct Float80 {
  uint64_t significand;    // with explicit integer bit 63
  uint16_t sign_exponent;  // sign in bit 15
};

// What an unmasked overflow or underflow does (SDM volume 1, 4.9.1.4 and 8.5.4).
enum class OutOfRange : uint8_t {
  adjusted,  // x87 register: the result is delivered with an adjusted exponent
  refused,   // x87 store to memory: nothing is stored, and precision is not reported
  trapped,   // SSE: nothing is written, precision is reported
};

// Where a result is rounded to. Exponents are unbiased.
struct Target {
  int precision;
  int32_t min_exponent;
  int32_t max_exponent;
  OutOfRange out_of_range;
};

template <class F>
struct Layout;

template <>
struct Layout<Float32> {
  static constexpr Target target{24, -126, 127, OutOfRange::trapped};
};

template <>
struct Layout<Float64> {
  static constexpr Target target{53, -1022, 1023, OutOfRange::trapped};
};

template <>
struct Layout<Float80> {
  static constexpr Target target{64, -16382, 16383, OutOfRange::adjusted};
};

constexpr int32_t extended_bias = 16383;
constexpr uint64_t integer_bit = uint64_t{1} << 63;
constexpr uint64_t quiet_bit = uint64_t{1} << 62;

}  // namespace tsbhyve::soft::fp
