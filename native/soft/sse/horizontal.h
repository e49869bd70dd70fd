// SPDX-License-Identifier: BSD-2-Clause
// SSSE3 and SSE4.1 integer operations on neighbouring or freely chosen lanes.
#pragma once

#include "soft/sse/arithmetic.h"

namespace tsbhyve::soft::sse {

/// PHADD and PHSUB: neighbours of the first operand into the lower half, of the second into the upper.
template <class T, bool subtract, bool saturated>
struct Horizontal {
  template <class R>
  [[gnu::noinline]] static R apply(R a, R b) {
    constexpr u32 half = lane_count<T, R> / 2;
    const auto low = lanes<T>(a), high = lanes<T>(b);
    Lanes<T, R> result{};
    for (u32 i = 0; i < half; i++) {
      result[i] = join(low[2 * i], low[2 * i + 1]);
      result[half + i] = join(high[2 * i], high[2 * i + 1]);
    }
    return whole<R>(result);
  }

 private:
  static T join(i64 left, i64 right) {
    const i64 value = subtract ? left - right : left + right;
    return saturated ? clamped<T>(value) : static_cast<T>(value);
  }
};

struct ShuffleBytes {  // PSHUFB
  template <class R>
  [[gnu::noinline]] static R apply(R a, R b) {
    const auto bytes = lanes<u8>(a), order = lanes<u8>(b);
    Lanes<u8, R> result{};
    for (u32 i = 0; i < sizeof(R); i++) {
      const u8 chosen = bytes[order[i] & (sizeof(R) - 1)];
      result[i] = order[i] & 0x80 ? u8{0} : chosen;
    }
    return whole<R>(result);
  }
};

struct AlignRight {  // PALIGNR
  template <class R>
  [[gnu::noinline]] static R apply(R a, R b, u8 distance) {
    const auto high = lanes<u8>(a), low = lanes<u8>(b);
    Lanes<u8, R> result{};
    for (u32 i = 0; i < sizeof(R); i++) {
      const u32 from = i + distance;
      result[i] = from < sizeof(R) ? u8{low[from]} : from < 2 * sizeof(R) ? u8{high[from - sizeof(R)]} : u8{0};
    }
    return whole<R>(result);
  }
};

/// PMOVSX and PMOVZX.
template <class From, class To>
struct Extend {
  [[gnu::noinline]] static V128 apply(V128, V128 b) {
    const auto narrow_lanes = lanes<From>(b);
    Lanes<To, V128> result{};
    for (u32 i = 0; i < lane_count<To, V128>; i++) result[i] = static_cast<To>(narrow_lanes[i]);
    return whole<V128>(result);
  }
};

/// PBLENDVB and its like: lanes of the second operand where the mask in XMM0 has the sign bit set.
template <class T>
struct BlendBySign {
  static V128 blend(V128 a, V128 b, V128 mask) { return select<V128>(lanes<T>(mask) < Lanes<T, V128>{}, b, a); }
};

/// PBLENDW, BLENDPS, BLENDPD: by the bits of the immediate.
template <class T>
struct BlendByBit {
  [[gnu::noinline]] static V128 apply(V128 a, V128 b, u8 choice) {
    auto result = lanes<T>(a);
    const auto other = lanes<T>(b);
    for (u32 i = 0; i < lane_count<T, V128>; i++) {
      if (choice >> i & 1) result[i] = other[i];
    }
    return whole<V128>(result);
  }
};

struct SmallestWord {  // PHMINPOSUW: the value, then its first position
  [[gnu::noinline]] static V128 apply(V128, V128 b) {
    const auto words = lanes<u16>(b);
    u32 position = 0;
    for (u32 i = 1; i < 8; i++) {
      if (words[i] < words[position]) position = i;
    }
    return low_only(words[position] | u64{position} << 16);
  }
};

struct SumsOfDifferences {  // MPSADBW
  [[gnu::noinline]] static V128 apply(V128 a, V128 b, u8 choice) {
    const auto window = lanes<u8>(a), block = lanes<u8>(b);
    const u32 window_at = choice & 4, block_at = (choice & 3u) * 4;
    Lanes<u16, V128> result{};
    for (u32 i = 0; i < 8; i++) {
      i32 sum = 0;
      for (u32 k = 0; k < 4; k++) {
        const i32 difference = i32{window[window_at + i + k]} - i32{block[block_at + k]};
        sum += difference < 0 ? -difference : difference;
      }
      result[i] = static_cast<u16>(sum);
    }
    return whole<V128>(result);
  }
};

/// INSERTPS; a source in memory is the element itself.
template <bool from_memory>
struct InsertSingle {
  [[gnu::noinline]] static V128 apply(V128 a, V128 b, u8 choice) {
    auto result = lanes<u32>(a);
    result[choice >> 4 & 3] = lanes<u32>(b)[from_memory ? 0 : choice >> 6];
    for (u32 i = 0; i < 4; i++) {
      if (choice >> i & 1) result[i] = 0;
    }
    return whole<V128>(result);
  }
};

struct DuplicateLow {  // MOVDDUP
  static V128 apply(V128, V128 b) { return V128{b[0], b[0]}; }
};
/// MOVSLDUP and MOVSHDUP.
template <u32 odd>
struct DuplicateSingles {
  static V128 apply(V128, V128 b) {
    const auto singles = lanes<u32>(b);
    return whole<V128>(__builtin_shufflevector(singles, singles, odd, odd, 2 + odd, 2 + odd));
  }
};

}  // namespace tsbhyve::soft::sse
