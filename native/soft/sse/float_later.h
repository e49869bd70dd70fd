// SPDX-License-Identifier: BSD-2-Clause
// Floating-point operations of SSE3 and SSE4.1, in software only: SSE2 hosts have no instruction for them.
#pragma once

#include "soft/sse/float_software.h"

namespace tsbhyve::soft::sse {

/// ADDSUBPS: even lanes subtract, odd lanes add.
template <class F>
struct AddSubtract {
  static V128 software(Evaluation& evaluation, V128 a, V128 b) {
    auto left = lanes<BitsOf<F>>(a);
    const auto right = lanes<BitsOf<F>>(b);
    for (u32 i = 0; i < lane_count<BitsOf<F>, V128>; i++) {
      const F x{left[i]}, y{right[i]};
      left[i] =
          evaluation
              .lane([&](fp::Context& context) { return i & 1 ? fp::add(context, x, y) : fp::subtract(context, x, y); })
              .bits;
    }
    return whole<V128>(left);
  }
};

/// HADDPS and HSUBPS: neighbours of the first operand into the lower half, of the second into the upper.
template <class F, class O>
struct HorizontalFloat {
  static V128 software(Evaluation& evaluation, V128 a, V128 b) {
    constexpr u32 half = lane_count<BitsOf<F>, V128> / 2;
    auto result = lanes<BitsOf<F>>(a);
    const auto low = lanes<BitsOf<F>>(a), high = lanes<BitsOf<F>>(b);
    for (u32 i = 0; i < 2 * half; i++) {
      const auto& from = i < half ? low : high;
      const u32 at = 2 * (i % half);
      const F x{from[at]}, y{from[at + 1]};
      result[i] = evaluation.lane([&](fp::Context& context) { return O::apply(context, x, y); }).bits;
    }
    return whole<V128>(result);
  }
};

/// ROUNDPS and its like. Immediate: bits 0-1 mode, bit 2 takes it from MXCSR, bit 3 hides the inexact exception.
template <class F, bool packed>
struct RoundToIntegral {
  static V128 software(Evaluation& evaluation, V128 a, V128 b, u8 control) {
    const fp::Rounding rounding = control & 4 ? evaluation.rounding() : static_cast<fp::Rounding>(control & 3);
    auto result = lanes<BitsOf<F>>(a);
    const auto operand = lanes<BitsOf<F>>(b);
    for (u32 i = 0; i < (packed ? lane_count<BitsOf<F>, V128> : 1); i++) {
      const F x{operand[i]};
      result[i] = evaluation
                      .lane([&](fp::Context& context) {
                        const F rounded = fp::round_to_integral<F>(context, rounding, unpack(context, x));
                        if (control & 8) context.flags = static_cast<u8>(context.flags & ~fp::inexact);
                        return rounded;
                      })
                      .bits;
    }
    return whole<V128>(result);
  }
};

/// DPPS and DPPD: products chosen by the upper half of the immediate, summed in pairs, into the lanes that the lower
/// half chooses (SDM vol. 2, DPPS). An unmasked exception of one step keeps the next from being done.
template <class F>
struct DotProduct {
  static V128 software(Evaluation& evaluation, V128 a, V128 b, u8 choice) {
    constexpr u32 count = lane_count<BitsOf<F>, V128>;
    auto products = lanes<BitsOf<F>>(a);
    const auto right = lanes<BitsOf<F>>(b);
    for (u32 i = 0; i < count; i++) {
      const F x{products[i]}, y{right[i]};
      products[i] = choice >> (4 + i) & 1 ? multiply(evaluation, x, y).bits : 0;
    }
    for (u32 width = count; width > 1 && !evaluation.faults(); width /= 2) {
      evaluation.next_step();
      for (u32 i = 0; i < width / 2; i++) {
        products[i] = add(evaluation, F{products[2 * i]}, F{products[2 * i + 1]}).bits;
      }
    }
    const auto sum = products[0];
    for (u32 i = 0; i < count; i++) products[i] = choice >> i & 1 ? sum : 0;
    return whole<V128>(products);
  }

 private:
  static F multiply(Evaluation& evaluation, F x, F y) {
    return evaluation.lane([&](fp::Context& context) { return fp::multiply(context, x, y); });
  }
  static F add(Evaluation& evaluation, F x, F y) {
    return evaluation.lane([&](fp::Context& context) { return fp::add(context, x, y); });
  }
};

}  // namespace tsbhyve::soft::sse
