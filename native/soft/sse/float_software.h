// SPDX-License-Identifier: BSD-2-Clause
// Software twins of the instructions in host/simd.h, by lane. They decide what is right; the host's must agree.
#pragma once

#include "soft/float/arithmetic.h"
#include "soft/float/compare.h"
#include "soft/float/convert.h"
#include "soft/float/integer.h"
#include "soft/sse/evaluation.h"

namespace tsbhyve::soft::sse::software {

using fp::Context;

struct Add {
  template <class F>
  static F apply(Context& context, F a, F b) {
    return fp::add(context, a, b);
  }
};
struct Subtract {
  template <class F>
  static F apply(Context& context, F a, F b) {
    return fp::subtract(context, a, b);
  }
};
struct Multiply {
  template <class F>
  static F apply(Context& context, F a, F b) {
    return fp::multiply(context, a, b);
  }
};
struct Divide {
  template <class F>
  static F apply(Context& context, F a, F b) {
    return fp::divide(context, a, b);
  }
};
struct SquareRoot {
  template <class F>
  static F apply(Context& context, F, F b) {
    return fp::square_root(context, b);
  }
};

/// The chosen operand as it is, but for a denormal that counts as zero.
template <class F>
F taken(const Context& context, F value) {
  const fp::Unpacked operand = unpack(context, value);
  return operand.is_zero() ? fp::pack<F>(operand) : value;
}

/// Equal operands (also two zeros) and NaNs give the second operand, unchanged (SDM vol. 2, MINPS and MAXPS).
template <fp::Relation first_wins>
struct Extreme {
  template <class F>
  static F apply(Context& context, F a, F b) {
    const fp::Relation relation = compare(context, fp::Comparison::signaling, a, b);
    return taken(context, relation == first_wins ? a : b);
  }
};
using Minimum = Extreme<fp::Relation::less>;
using Maximum = Extreme<fp::Relation::greater>;

/// The predicates of CMPPS: all ones when the relation is one of `relations` (a set by bit), else zeros.
template <fp::Comparison comparison, u32 relations>
struct Predicate {
  template <class F>
  static F apply(Context& context, F a, F b) {
    const auto relation = static_cast<u32>(compare(context, comparison, a, b));
    return F{relations >> relation & 1 ? static_cast<BitsOf<F>>(~BitsOf<F>{0}) : BitsOf<F>{0}};
  }
};
inline constexpr u32 less = 1, equal = 2, greater = 4, unordered = 8;
using Equal = Predicate<fp::Comparison::quiet, equal>;
using Less = Predicate<fp::Comparison::signaling, less>;
using LessOrEqual = Predicate<fp::Comparison::signaling, less | equal>;
using Unordered = Predicate<fp::Comparison::quiet, unordered>;
using NotEqual = Predicate<fp::Comparison::quiet, less | greater | unordered>;
using NotLess = Predicate<fp::Comparison::signaling, equal | greater | unordered>;
using NotLessOrEqual = Predicate<fp::Comparison::signaling, greater | unordered>;
using Ordered = Predicate<fp::Comparison::quiet, less | equal | greater>;

/// COMISS and UCOMISS: ZF, PF and CF (SDM vol. 2, COMISS).
template <fp::Comparison comparison, class F>
u32 flags(Evaluation& evaluation, V128 a, V128 b) {
  const F left{lanes<BitsOf<F>>(a)[0]}, right{lanes<BitsOf<F>>(b)[0]};
  switch (evaluation.lane([&](Context& context) { return compare(context, comparison, left, right); })) {
    case fp::Relation::less: return flag_cf;
    case fp::Relation::equal: return flag_zf;
    case fp::Relation::greater: return 0;
    default: return flag_zf | flag_pf | flag_cf;
  }
}

/// The lowest lane, or all of them; the other lanes stay as in `a`.
template <class F, bool packed, class O>
V128 lanewise(Evaluation& evaluation, V128 a, V128 b) {
  auto left = lanes<BitsOf<F>>(a);
  const auto right = lanes<BitsOf<F>>(b);
  for (u32 i = 0; i < (packed ? lane_count<BitsOf<F>, V128> : 1); i++) {
    const F x{left[i]}, y{right[i]};
    left[i] = evaluation.lane([&](Context& context) { return O::apply(context, x, y); }).bits;
  }
  return whole<V128>(left);
}

template <class To, class From>
BitsOf<To> converted(Evaluation& evaluation, BitsOf<From> value) {
  return evaluation.lane([&](Context& context) { return fp::convert<To>(context, unpack(context, From{value})); }).bits;
}

template <class To>
BitsOf<To> from_integer(Evaluation& evaluation, i64 value) {
  return evaluation.lane([&](Context& context) { return fp::from_integer<To>(context, value); }).bits;
}

/// T names the width of the integer.
template <class T, class From, bool truncated>
T to_integer(Evaluation& evaluation, BitsOf<From> value) {
  constexpr auto width = static_cast<fp::IntegerWidth>(sizeof(T) * 8);
  const fp::Rounding rounding = truncated ? fp::Rounding::zero : evaluation.rounding();
  const auto convert = [&](Context& context) {
    return fp::to_integer(context, rounding, width, unpack(context, From{value}));
  };
  return static_cast<T>(evaluation.lane(convert));
}

}  // namespace tsbhyve::soft::sse::software
