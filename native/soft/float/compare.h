// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "unpacked.h"

namespace tsbhyve::soft::fp {

enum class Relation : uint8_t { less, equal, greater, unordered };

// A signaling comparison (FCOM, COMISS, CMPLTPS) raises invalid for any NaN, a quiet one (FUCOM, UCOMISS, CMPEQPS)
// only for a signaling NaN. Unsupported encodings always raise it.
enum class Comparison : uint8_t { quiet, signaling };

Relation compare(Context& context, Comparison comparison, const Unpacked& a, const Unpacked& b);

template <class F>
Relation compare(Context& context, Comparison comparison, F a, F b) {
  return compare(context, comparison, unpack(context, a), unpack(context, b));
}

}  // namespace tsbhyve::soft::fp
