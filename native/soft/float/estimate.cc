// SPDX-License-Identifier: BSD-2-Clause
#include "estimate.h"

#include "arithmetic.h"
#include "operands.h"

namespace tsbhyve::soft::fp {

namespace {

constexpr Target estimate_target{12, Layout<Float32>::target.min_exponent, Layout<Float32>::target.max_exponent,
                                 OutOfRange::trapped};

Context estimate_context() {
  Context context;
  context.denormals_are_zero = true;
  context.flush_to_zero = true;
  return context;
}

}  // namespace

Float32 reciprocal_estimate(Float32 value) {
  Context context = estimate_context();
  const Unpacked operand = unpack(context, value);
  if (operand.is_nan()) return pack<Float32>(quieted(operand));
  if (operand.is_zero()) return pack<Float32>(make_infinity(operand.sign));
  if (operand.is_infinity()) return pack<Float32>(make_zero(operand.sign));
  const Exact one = from_significand(false, 0, integer_bit);
  return pack<Float32>(round(context, quotient(one, exact(operand)), estimate_target));
}

Float32 reciprocal_root_estimate(Float32 value) {
  Context context = estimate_context();
  const Unpacked operand = unpack(context, value);
  if (operand.is_nan()) return pack<Float32>(quieted(operand));
  if (operand.is_zero()) return pack<Float32>(make_infinity(operand.sign));
  if (operand.sign) return pack<Float32>(make_indefinite());
  if (operand.is_infinity()) return pack<Float32>(make_zero(false));
  // A 64-bit root, truncated: its error of 2^-63 cannot move a rounding at bit 12, as an exact tie cannot occur.
  context.rounding = Rounding::zero;
  const Unpacked root = unpack(context, square_root<Float80>(context, operand));
  context.rounding = Rounding::nearest;
  const Exact one = from_significand(false, 0, integer_bit);
  return pack<Float32>(round(context, quotient(one, exact(root)), estimate_target));
}

}  // namespace tsbhyve::soft::fp
