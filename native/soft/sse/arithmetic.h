// SPDX-License-Identifier: BSD-2-Clause
// Lane-wise integer operations of MMX and SSE2 and the wider types that SSE4 adds. Lane types are unsigned where sums
// wrap.
#pragma once

#include <type_traits>

#include "soft/sse/lanes.h"

namespace tsbhyve::soft::sse {

template <class T>
struct Plus {
  template <class R>
  [[gnu::always_inline]] static R apply(R a, R b) {
    return whole<R>(lanes<T>(a) + lanes<T>(b));
  }
};
template <class T>
struct Minus {
  template <class R>
  [[gnu::always_inline]] static R apply(R a, R b) {
    return whole<R>(lanes<T>(a) - lanes<T>(b));
  }
};

/// All ones where the relation holds. T is signed for PCMPGT.
template <class T>
struct CompareEqual {
  template <class R>
  [[gnu::always_inline]] static R apply(R a, R b) {
    return whole<R>(lanes<T>(a) == lanes<T>(b));
  }
};
template <class T>
struct CompareGreater {
  template <class R>
  [[gnu::always_inline]] static R apply(R a, R b) {
    return whole<R>(lanes<T>(a) > lanes<T>(b));
  }
};
template <class T>
struct Lesser {
  template <class R>
  [[gnu::always_inline]] static R apply(R a, R b) {
    return select<R>(lanes<T>(a) < lanes<T>(b), a, b);
  }
};
template <class T>
struct Greater {
  template <class R>
  [[gnu::always_inline]] static R apply(R a, R b) {
    return select<R>(lanes<T>(a) > lanes<T>(b), a, b);
  }
};

/// The nearest value that T holds.
template <class T>
constexpr T clamped(i64 value) {
  constexpr i64 low = std::is_signed_v<T> ? -(i64{1} << (sizeof(T) * 8 - 1)) : 0;
  constexpr i64 high = low + (i64{1} << sizeof(T) * 8) - 1;
  return static_cast<T>(value < low ? low : value > high ? high : value);
}

/// Rarer operations, lane by lane and out of line.
#define LANE_OPERATION(Name, T, expression)                                                  \
  struct Name {                                                                              \
    template <class R>                                                                       \
    [[gnu::noinline]] static R apply(R left, R right) {                                      \
      return each<T>(left, right, []([[maybe_unused]] i64 a, i64 b) { return expression; }); \
    }                                                                                        \
  };

template <class T>
LANE_OPERATION(PlusSaturated, T, clamped<T>(a + b))
template <class T>
LANE_OPERATION(MinusSaturated, T, clamped<T>(a - b))
template <class T>
LANE_OPERATION(Average, T, (a + b + 1) >> 1)
template <class T>
LANE_OPERATION(Absolute, T, b < 0 ? -b : b)
template <class T>
LANE_OPERATION(ApplySign, T,
               b < 0    ? -a
               : b == 0 ? 0
                        : a)
LANE_OPERATION(MultiplyLow16, u16, a* b) LANE_OPERATION(MultiplyLow32, i32, a* b)
    LANE_OPERATION(MultiplyHighSigned, i16, a* b >> 16) LANE_OPERATION(MultiplyHighUnsigned, u16, a* b >> 16)
        LANE_OPERATION(MultiplyHighRounded, i16, ((a * b >> 14) + 1) >> 1)
#undef LANE_OPERATION

    /// PMULUDQ and PMULDQ: the low half of every quadword.
    template <class T>
    struct MultiplyWide {
  template <class R>
  [[gnu::noinline]] static R apply(R left, R right) {
    using Product = std::conditional_t<std::is_signed_v<T>, i64, u64>;
    return each<u64>(left, right, [](u64 a, u64 b) {
      return static_cast<u64>(Product{static_cast<T>(a)} * Product{static_cast<T>(b)});
    });
  }
};

/// Neighbouring products summed: PMADDWD, and PMADDUBSW, which saturates.
template <class A, class B, class Sum>
struct MultiplyAdd {
  template <class R>
  [[gnu::noinline]] static R apply(R a, R b) {
    const auto left = lanes<A>(a);
    const auto right = lanes<B>(b);
    Lanes<Sum, R> result{};
    for (u32 i = 0; i < lane_count<Sum, R>; i++) {
      const i64 sum = i64{left[2 * i]} * i64{right[2 * i]} + i64{left[2 * i + 1]} * i64{right[2 * i + 1]};
      result[i] = sizeof(Sum) == 2 ? clamped<Sum>(sum) : static_cast<Sum>(sum);
    }
    return whole<R>(result);
  }
};

/// PSADBW: the sum of eight absolute differences in every quadword.
struct SumOfDifferences {
  template <class R>
  [[gnu::noinline]] static R apply(R a, R b) {
    const auto left = lanes<u8>(a), right = lanes<u8>(b);
    Lanes<u64, R> result{};
    for (u32 i = 0; i < sizeof(R); i++) {
      const i32 difference = i32{left[i]} - i32{right[i]};
      result[i / 8] += static_cast<u64>(difference < 0 ? -difference : difference);
    }
    return whole<R>(result);
  }
};

/// PACKSSWB and its like: both operands narrowed from From to To with saturation, the first into the lower half.
template <class From, class To>
struct Pack {
  template <class R>
  [[gnu::noinline]] static R apply(R a, R b) {
    constexpr u32 half = lane_count<From, R>;
    const auto low = lanes<From>(a), high = lanes<From>(b);
    Lanes<To, R> result{};
    for (u32 i = 0; i < half; i++) {
      result[i] = clamped<To>(low[i]);
      result[half + i] = clamped<To>(high[i]);
    }
    return whole<R>(result);
  }
};

}  // namespace tsbhyve::soft::sse
