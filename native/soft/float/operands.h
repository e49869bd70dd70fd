// SPDX-License-Identifier: BSD-2-Clause
// What every operation does before it computes: NaNs, unsupported encodings, denormal operands, in the order of SDM
// volume 1, 4.9.2.
#pragma once

#include <optional>
#include <type_traits>

#include "round.h"

namespace tsbhyve::soft::fp {

// x87 prefers the larger significand, SSE the first operand (SDM volume 1, table 4-7).
enum class NanRule : uint8_t { larger_significand, first_operand };

struct Profile {
  NanRule nan_rule;
  Target target;
};

template <class F>
Profile profile_of(const Context& context) {
  if constexpr (std::is_same_v<F, Float80>) return {NanRule::larger_significand, controlled_target(context)};
  return {NanRule::first_operand, Layout<F>::target};
}

Unpacked quieted(const Unpacked& nan);

// Raises invalid and returns the real indefinite.
Unpacked invalid_result(Context& context);

// The result if an operand is a NaN or unsupported.
std::optional<Unpacked> nan_result(Context& context, const Unpacked& a);
std::optional<Unpacked> nan_result(Context& context, NanRule rule, const Unpacked& a, const Unpacked& b);

// Raises denormal if due; true if it is unmasked and the operation must stop.
bool stopped_by_denormal(Context& context, const Unpacked& a);
bool stopped_by_denormal(Context& context, const Unpacked& a, const Unpacked& b);

}  // namespace tsbhyve::soft::fp
