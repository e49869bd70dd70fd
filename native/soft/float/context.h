// SPDX-License-Identifier: BSD-2-Clause
// What an operation is told (rounding, precision, masks) and what it reports back (exceptions, C1).
//
// The library never traps. It reports exceptions in `flags`; the caller merges them into the status word or MXCSR and
// decides (Intel SDM volume 1, 4.9 and 8.5):
//   * invalid, denormal or zero-divide unmasked: the operation stopped there, the value it returned means nothing and
//     the destination stays as it was. One exception: FLD pushes in spite of a denormal;
//   * overflow or underflow unmasked: a result for an x87 register carries the bias-adjusted exponent and is written;
//     a result for memory or for an SSE register is not;
//   * precision unmasked: x87 writes the result, SSE does not.
#pragma once

#include <cstdint>

namespace tsbhyve::soft::fp {

// Same encoding as the RC fields of the x87 control word and of MXCSR (SDM volume 1, table 4-8).
enum class Rounding : uint8_t { nearest = 0, down = 1, up = 2, zero = 3 };

// Same encoding as the PC field of the x87 control word (SDM volume 1, table 8-2); 1 is reserved.
enum class Precision : uint8_t { single = 0, reserved = 1, twice = 2, extended = 3 };

// Same bits as the exception flags of the status word and of MXCSR.
enum Exception : uint8_t {
  invalid = 0x01,
  denormal = 0x02,
  zero_divide = 0x04,
  overflow = 0x08,
  underflow = 0x10,
  inexact = 0x20,
  all_exceptions = 0x3F,
};

struct Context {
  Rounding rounding = Rounding::nearest;
  Precision precision = Precision::extended;  // x87 only
  bool denormals_are_zero = false;            // SSE only
  bool flush_to_zero = false;                 // SSE only; acts while underflow is masked
  uint8_t masks = all_exceptions;
  uint8_t flags = 0;
  bool rounded_up = false;  // C1 after an inexact x87 result: the magnitude grew

  void raise(unsigned exceptions) { flags = static_cast<uint8_t>(flags | exceptions); }
  bool masked(Exception exception) const { return (masks & exception) != 0; }
  bool raised(Exception exception) const { return (flags & exception) != 0; }
};

}  // namespace tsbhyve::soft::fp
