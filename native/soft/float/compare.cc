// SPDX-License-Identifier: BSD-2-Clause
#include "compare.h"

#include "operands.h"

namespace tsbhyve::soft::fp {

namespace {

bool raises_invalid(Comparison comparison, const Unpacked& a) {
  if (a.kind == Kind::quiet_nan) return comparison == Comparison::signaling;
  return a.kind == Kind::signaling_nan || a.kind == Kind::unsupported;
}

bool is_unordered(const Unpacked& a) { return a.is_nan() || a.kind == Kind::unsupported; }

Relation compare_magnitudes(const Unpacked& a, const Unpacked& b) {
  if (a.kind != b.kind) {
    // zero < finite < infinity, as the enumeration is ordered.
    return a.kind < b.kind ? Relation::less : Relation::greater;
  }
  if (!a.is_finite()) return Relation::equal;
  if (a.exponent != b.exponent) return a.exponent < b.exponent ? Relation::less : Relation::greater;
  if (a.significand != b.significand) return a.significand < b.significand ? Relation::less : Relation::greater;
  return Relation::equal;
}

Relation reversed(Relation relation) {
  if (relation == Relation::less) return Relation::greater;
  return relation == Relation::greater ? Relation::less : relation;
}

}  // namespace

Relation compare(Context& context, Comparison comparison, const Unpacked& a, const Unpacked& b) {
  if (raises_invalid(comparison, a) || raises_invalid(comparison, b)) context.raise(invalid);
  if (is_unordered(a) || is_unordered(b)) return Relation::unordered;
  if (stopped_by_denormal(context, a, b)) return Relation::unordered;
  if (a.is_zero() && b.is_zero()) return Relation::equal;
  if (a.sign != b.sign) return a.sign ? Relation::less : Relation::greater;
  const Relation magnitudes = compare_magnitudes(a, b);
  return a.sign ? reversed(magnitudes) : magnitudes;
}

}  // namespace tsbhyve::soft::fp
