// SPDX-License-Identifier: BSD-2-Clause
// The basic operations. The result type picks the rules: Float80 follows x87 (precision control, x87 NaNs,
// bias-adjusted results), Float32 and Float64 follow SSE. Operands are unpacked, so that x87 memory operands of any
// format need no second step.
#pragma once

#include "unpacked.h"

namespace tsbhyve::soft::fp {

template <class F>
F add(Context& context, const Unpacked& a, const Unpacked& b);
template <class F>
F subtract(Context& context, const Unpacked& a, const Unpacked& b);
template <class F>
F multiply(Context& context, const Unpacked& a, const Unpacked& b);
template <class F>
F divide(Context& context, const Unpacked& a, const Unpacked& b);
template <class F>
F square_root(Context& context, const Unpacked& a);

template <class F>
F add(Context& context, F a, F b) {
  return add<F>(context, unpack(context, a), unpack(context, b));
}
template <class F>
F subtract(Context& context, F a, F b) {
  return subtract<F>(context, unpack(context, a), unpack(context, b));
}
template <class F>
F multiply(Context& context, F a, F b) {
  return multiply<F>(context, unpack(context, a), unpack(context, b));
}
template <class F>
F divide(Context& context, F a, F b) {
  return divide<F>(context, unpack(context, a), unpack(context, b));
}
template <class F>
F square_root(Context& context, F a) {
  return square_root<F>(context, unpack(context, a));
}

}  // namespace tsbhyve::soft::fp
