// SPDX-License-Identifier: BSD-2-Clause
// 128-bit integer helpers. "Jam" means: a bit lost below the result is remembered by setting its lowest bit.
#pragma once

#include <bit>
#include <cstdint>

namespace tsbhyve::soft::fp {

__extension__ typedef unsigned __int128 u128;

constexpr u128 wide(uint64_t high, uint64_t low) { return (u128{high} << 64) | low; }
constexpr uint64_t high_half(u128 value) { return static_cast<uint64_t>(value >> 64); }
constexpr uint64_t low_half(u128 value) { return static_cast<uint64_t>(value); }

constexpr int leading_zeros(u128 value) {
  return high_half(value) != 0 ? std::countl_zero(high_half(value)) : 64 + std::countl_zero(low_half(value));
}

constexpr u128 shift_right_jam(u128 value, int64_t count) {
  if (count <= 0) return value;
  if (count >= 128) return value != 0 ? 1U : 0U;
  const u128 kept = value >> count;
  return (kept << count) != value ? (kept | 1U) : kept;
}

constexpr u128 multiply(uint64_t a, uint64_t b) { return u128{a} * b; }

// The upper half of the 256-bit product, jammed.
constexpr u128 multiply_high_jam(u128 a, u128 b) {
  const u128 low = multiply(low_half(a), low_half(b));
  const u128 cross1 = multiply(high_half(a), low_half(b));
  const u128 cross2 = multiply(low_half(a), high_half(b));
  const u128 middle = u128{high_half(low)} + low_half(cross1) + low_half(cross2);
  const u128 high = multiply(high_half(a), high_half(b)) + high_half(cross1) + high_half(cross2) + high_half(middle);
  return (low_half(middle) | low_half(low)) != 0 ? (high | 1U) : high;
}

}  // namespace tsbhyve::soft::fp
