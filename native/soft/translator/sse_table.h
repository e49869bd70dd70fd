// SPDX-License-Identifier: BSD-2-Clause
// SSE instructions that are the host's own: destination = f(destination, second operand[, immediate]).
#pragma once

#include "soft/decode/instruction.h"
#include "soft/translator/host.h"

namespace tsbhyve::soft {

struct SseRow {
  u32 id = 0;             // of the host's instruction; 0: not one of these
  u8 size = 16;           // of the second operand in memory
  bool aligned = true;    // what it must be there
  bool is_float = false;  // works under MXCSR
  bool immediate = false;
};

/// Up to SSE4.2, as far as the host has it.
SseRow sse_row(Opcode opcode);

}  // namespace tsbhyve::soft
