// SPDX-License-Identifier: BSD-2-Clause
// What two correct processors may differ in. Everything here is ignored on both sides, so that recorded results stay valid.
#pragma once

#include "state.h"

namespace tsbhyve::differential {

struct Tolerance {
  u32 flags = 0;           // RFLAGS bits
  bool result = false;     // the destination: x87 ST(0), ST(1) and the rounding bits, or all XMM and MMX registers
  bool destination = false;  // the general register of the first operand
  bool memory = false;     // the memory written
  bool registers = false;  // all general registers
  bool fault_order = false;  // which of several faults comes first
  bool segment_bases = false;
};

Tolerance tolerance_of(const Instruction& instruction, const Case& test, const Result& result);

/// Whether the instruction may leave anything undefined, whatever its operands.
bool leaves_undefined(const Instruction& instruction);

}  // namespace tsbhyve::differential
