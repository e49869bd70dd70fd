// SPDX-License-Identifier: BSD-2-Clause
// The memory operand of a ModRM byte, with SIB and displacement.
#pragma once

#include "soft/decode/prefixes.h"

namespace tsbhyve::soft {

/// `memory.segment` on entry is the override or DS; SS takes its place for RSP and RBP bases without an override.
void read_address(Cursor& cursor, const Prefixes& prefixes, u8 modrm, CodeSize code_size, u8 address_size,
                  MemoryOperand& memory);

}  // namespace tsbhyve::soft
