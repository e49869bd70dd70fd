// SPDX-License-Identifier: BSD-2-Clause
#include "operands.h"

namespace tsbhyve::soft::fp {

namespace {

Unpacked larger_significand(const Unpacked& a, const Unpacked& b) {
  const bool a_signals = a.kind == Kind::signaling_nan;
  const bool b_signals = b.kind == Kind::signaling_nan;
  if (a_signals != b_signals) return quieted(a_signals ? b : a);
  if (a.significand != b.significand) return quieted(a.significand > b.significand ? a : b);
  return quieted(a.sign ? b : a);
}

}  // namespace

Unpacked quieted(const Unpacked& nan) { return {Kind::quiet_nan, nan.sign, false, 0, nan.significand | quiet_bit}; }

Unpacked invalid_result(Context& context) {
  context.raise(invalid);
  return make_indefinite();
}

std::optional<Unpacked> nan_result(Context& context, const Unpacked& a) {
  if (a.kind == Kind::unsupported) return invalid_result(context);
  if (!a.is_nan()) return std::nullopt;
  if (a.kind == Kind::signaling_nan) context.raise(invalid);
  return quieted(a);
}

std::optional<Unpacked> nan_result(Context& context, NanRule rule, const Unpacked& a, const Unpacked& b) {
  if (a.kind == Kind::unsupported || b.kind == Kind::unsupported) return invalid_result(context);
  if (!a.is_nan() && !b.is_nan()) return std::nullopt;
  if (a.kind == Kind::signaling_nan || b.kind == Kind::signaling_nan) context.raise(invalid);
  if (a.is_nan() && b.is_nan() && rule == NanRule::larger_significand) return larger_significand(a, b);
  return quieted(a.is_nan() ? a : b);
}

bool stopped_by_denormal(Context& context, const Unpacked& a) {
  if (!a.denormal) return false;
  context.raise(denormal);
  return !context.masked(denormal);
}

bool stopped_by_denormal(Context& context, const Unpacked& a, const Unpacked& b) {
  if (!a.denormal && !b.denormal) return false;
  context.raise(denormal);
  return !context.masked(denormal);
}

}  // namespace tsbhyve::soft::fp
