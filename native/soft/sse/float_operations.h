// SPDX-License-Identifier: BSD-2-Clause
// Floating-point operations as pairs of a host instruction and its software twin. `a` is the destination, `b` the
// source.
#pragma once

#include "soft/host/simd.h"
#include "soft/sse/float_software.h"

namespace tsbhyve::soft::sse {

enum class Shape : u8 { ps, pd, ss, sd };

template <Shape S>
using ElementOf = std::conditional_t<S == Shape::ps || S == Shape::ss, Float32, Float64>;
template <Shape S>
inline constexpr bool is_packed = S == Shape::ps || S == Shape::pd;

template <class Host, class Software, Shape S>
struct Arithmetic {
  [[gnu::always_inline]] static V128 native(V128 a, V128 b) {
    if constexpr (S == Shape::ps) return Host::ps(a, b);
    if constexpr (S == Shape::pd) return Host::pd(a, b);
    if constexpr (S == Shape::ss) return Host::ss(a, b);
    if constexpr (S == Shape::sd) return Host::sd(a, b);
  }
  static V128 software(Evaluation& evaluation, V128 a, V128 b) {
    return software::lanewise<ElementOf<S>, is_packed<S>, Software>(evaluation, a, b);
  }
};

template <Shape S>
using Add = Arithmetic<host::Add, software::Add, S>;
template <Shape S>
using Subtract = Arithmetic<host::Subtract, software::Subtract, S>;
template <Shape S>
using Multiply = Arithmetic<host::Multiply, software::Multiply, S>;
template <Shape S>
using Divide = Arithmetic<host::Divide, software::Divide, S>;
template <Shape S>
using Minimum = Arithmetic<host::Minimum, software::Minimum, S>;
template <Shape S>
using Maximum = Arithmetic<host::Maximum, software::Maximum, S>;
template <Shape S>
using SquareRoot = Arithmetic<host::SquareRoot, software::SquareRoot, S>;

/// CMPPS by the low three bits of its immediate (SDM vol. 2, CMPPD, table 3-1).
template <Shape S, u8 predicate>
struct CompareOf;
template <Shape S>
struct CompareOf<S, 0> : Arithmetic<host::Equal, software::Equal, S> {};
template <Shape S>
struct CompareOf<S, 1> : Arithmetic<host::Less, software::Less, S> {};
template <Shape S>
struct CompareOf<S, 2> : Arithmetic<host::LessOrEqual, software::LessOrEqual, S> {};
template <Shape S>
struct CompareOf<S, 3> : Arithmetic<host::Unordered, software::Unordered, S> {};
template <Shape S>
struct CompareOf<S, 4> : Arithmetic<host::NotEqual, software::NotEqual, S> {};
template <Shape S>
struct CompareOf<S, 5> : Arithmetic<host::NotLess, software::NotLess, S> {};
template <Shape S>
struct CompareOf<S, 6> : Arithmetic<host::NotLessOrEqual, software::NotLessOrEqual, S> {};
template <Shape S>
struct CompareOf<S, 7> : Arithmetic<host::Ordered, software::Ordered, S> {};

template <class Host, fp::Comparison comparison, Shape S>
struct Flags {
  [[gnu::always_inline]] static u32 native(V128 a, V128 b) {
    if constexpr (S == Shape::ss) return Host::ss(a, b);
    if constexpr (S == Shape::sd) return Host::sd(a, b);
  }
  static u32 software(Evaluation& evaluation, V128 a, V128 b) {
    return software::flags<comparison, ElementOf<S>>(evaluation, a, b);
  }
};
template <Shape S>
using OrderedFlags = Flags<host::OrderedFlags, fp::Comparison::signaling, S>;
template <Shape S>
using UnorderedFlags = Flags<host::UnorderedFlags, fp::Comparison::quiet, S>;

}  // namespace tsbhyve::soft::sse
