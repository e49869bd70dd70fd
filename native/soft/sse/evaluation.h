// SPDX-License-Identifier: BSD-2-Clause
// SSE arithmetic in software: lane by lane under a copy of MXCSR, and what the lanes report together.
#pragma once

#include "soft/float/context.h"
#include "soft/float/format.h"
#include "soft/sse/lanes.h"

namespace tsbhyve::soft::sse {

using fp::Float32, fp::Float64;

template <class F>
using BitsOf = decltype(F::bits);

class Evaluation {
 public:
  explicit Evaluation(u32 mxcsr) {
    context_.rounding = static_cast<fp::Rounding>(mxcsr >> 13 & 3);
    context_.denormals_are_zero = (mxcsr & 0x40) != 0;
    context_.flush_to_zero = (mxcsr & 0x8000) != 0;
    context_.masks = static_cast<u8>(mxcsr >> 7 & 0x3f);
  }

  /// Evaluates one lane: f(context).
  template <class F>
  auto lane(F f) {
    context_.flags = 0;
    auto result = f(context_);
    flags_ |= context_.flags;
    return result;
  }

  /// An unmasked exception found before computing, in any lane, keeps all lanes from being computed, so that nothing
  /// which computing would raise is reported (SDM vol. 1, 11.5.2).
  u32 reported() const {
    return earlier_ | (flags_ & before_computing & unmasked() ? flags_ & before_computing : flags_);
  }

  /// Goes on to the next of several steps. What the last one raised, all of it masked, stays.
  void next_step() {
    earlier_ |= flags_;
    flags_ = 0;
  }

  /// Whether the result may not be written.
  bool faults() const { return (flags_ & unmasked()) != 0; }

  fp::Rounding rounding() const { return context_.rounding; }

 private:
  static constexpr u32 before_computing = fp::invalid | fp::denormal | fp::zero_divide;

  u32 unmasked() const { return ~u32{context_.masks} & fp::all_exceptions; }

  fp::Context context_;
  u32 flags_ = 0, earlier_ = 0;
};

}  // namespace tsbhyve::soft::sse
