// SPDX-License-Identifier: BSD-2-Clause
// The one place where results are rounded and where overflow, underflow and precision are detected.
#pragma once

#include "unpacked.h"

namespace tsbhyve::soft::fp {

// A significand cut to `precision` bits.
struct Cut {
  uint64_t significand;
  bool carried;  // rounding overflowed to the next power of two; the significand is then 1.0
  bool inexact;
  bool up;
};

Cut cut(Rounding rounding, bool sign, u128 fraction, int precision);

// Rounds a non-zero number. Tininess is detected after rounding (SDM volume 1, 4.9.1.5).
Unpacked round(Context& context, const Exact& value, const Target& target);

// The target of an x87 arithmetic instruction under the context's precision control.
Target controlled_target(const Context& context);

template <class F>
F round_and_pack(Context& context, const Exact& value) {
  return pack<F>(round(context, value, Layout<F>::target));
}

}  // namespace tsbhyve::soft::fp
