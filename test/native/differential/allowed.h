// SPDX-License-Identifier: BSD-2-Clause
// What two correct processors may differ in. Everything here is ignored on both sides, so that recorded results stay
// valid.
#pragma once

#include "state.h"

namespace tsbhyve::differential {

struct Tolerance {
  u32 flags = 0;             // RFLAGS bits
  bool result = false;       // of an approximation: ST(0), ST(1) and what rounding tells, or the XMM register
  bool x87_state = false;    // tags, TOP and the registers that it turns
  u16 status = 0;            // x87 status bits
  bool destination = false;  // the general register of the first operand
  bool memory = false;       // the memory written
  bool registers = false;    // all general registers
  bool fault_order = false;  // which of several faults comes first
  bool segment_bases = false;
};

/// `reference`: the judge is a processor of the kind that docs/undefined-flags.md was measured on, so that even what
/// the SDM leaves undefined must agree.
Tolerance tolerance_of(const Instruction& instruction, const Case& test, const Result& result, bool reference);

/// Of a block, which holds no instruction that leaves_undefined.
Tolerance tolerance_of_block(const Case& test);

/// Whether the instruction may leave anything that a block's later instructions must not see.
bool leaves_undefined(const Instruction& instruction, bool reference);

}  // namespace tsbhyve::differential
