// SPDX-License-Identifier: BSD-2-Clause
// What an instruction changes, for whoever looks at those before it or behind it.
#pragma once

#include "soft/decode/instruction.h"

namespace tsbhyve::soft {

inline constexpr u32 all_registers = 0xffff;

/// General registers, by their bits; all of them for opcodes that are not known here.
u32 registers_changed(const Instruction& instruction);
/// Whether its memory operand may be written to; only for opcodes that are known to the above.
bool writes_memory(const Instruction& instruction);

}  // namespace tsbhyve::soft
