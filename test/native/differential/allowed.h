// SPDX-License-Identifier: BSD-2-Clause
// What two correct processors may differ in. Everything here is ignored on both sides, so that recorded results stay
// valid.
#pragma once

#include "../host_kind.h"
#include "state.h"

namespace tsbhyve::differential {

using test::HostKind;

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
  bool event = false;          // how the instruction ended: one side's exception, the other's exception or none
  bool string_halves = false;  // upper halves of RCX, RSI and RDI
  bool top = false;            // TOP, but not what the registers hold
  bool nan_lanes = false;      // of the XMM register, which NaN
  bool everything = false;
};

/// `host` is the result to compare with, of a processor of that kind.
Tolerance tolerance_of(const Instruction& instruction, const Case& test, const Result& host, const Result& guest,
                       const HostKind& kind);

/// Of a block, which holds no instruction that leaves_undefined.
Tolerance tolerance_of_block(const Case& test, const Result& host, const Result& guest, const HostKind& kind);

/// Whether the instruction may leave anything that a block's later instructions must not see.
bool leaves_undefined(const Instruction& instruction, const HostKind& kind);

}  // namespace tsbhyve::differential
