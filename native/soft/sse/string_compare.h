// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "soft/op.h"
#include "soft/sse/lanes.h"

namespace tsbhyve::soft::sse {

/// PCMPESTRI, PCMPESTRM, PCMPISTRI and PCMPISTRM.
void add_string_compares(HandlerTable& table);

/// The comparison itself. Lengths are in elements and at most the number that fits.
struct StringComparison {
  u32 result;  // IntRes2
  u32 flags;   // the six status flags
};
StringComparison compare_strings(V128 first, V128 second, u32 first_length, u32 second_length, u8 control);

/// Elements before the first zero.
u32 implicit_length(V128 value, u8 control);

}  // namespace tsbhyve::soft::sse
