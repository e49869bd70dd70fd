// SPDX-License-Identifier: BSD-2-Clause
// Exact x87 operations that work on exponents: FPREM, FPREM1, FSCALE, FXTRACT.
#pragma once

#include "unpacked.h"

namespace tsbhyve::soft::fp {

struct Remainder {
  Float80 value;
  uint8_t quotient;  // the low three bits, for C0 (bit 2), C3 (bit 1) and C1 (bit 0); 0 while incomplete
  bool incomplete;   // C2
  bool divided;      // false for NaNs and invalid operands, which leave C0 and C3 as they were
};

// FPREM truncates the quotient, FPREM1 rounds it to nearest.
enum class Quotient : uint8_t { truncated, nearest };

Remainder remainder(Context& context, Quotient kind, const Unpacked& dividend, const Unpacked& divisor);

// ST(0) * 2^trunc(ST(1)).
Float80 scale(Context& context, const Unpacked& value, const Unpacked& power);

struct Extracted {
  Float80 exponent;     // replaces ST(0)
  Float80 significand;  // is pushed
};

Extracted extract(Context& context, const Unpacked& value);

}  // namespace tsbhyve::soft::fp
