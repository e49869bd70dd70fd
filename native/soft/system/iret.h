// SPDX-License-Identifier: BSD-2-Clause
// Returns from interrupts.
#pragma once

#include "soft/op.h"

namespace tsbhyve::soft {

/// IRET with an operand size of `size` bytes.
void interrupt_return(Cpu* cpu, u32 size);
/// IRETQ in 64-bit code: Linux runs it about 100,000 times in a boot to serialise itself.
void interrupt_return_long(Cpu* cpu, const Op* op);

/// Loads CS:RIP, flags and SS:RSP of a frame that holds all of them.
void return_outward(Cpu* cpu, const Segment& code, u64 rip, u64 flags, u64 mask, u64 pointer, u16 stack_selector);

}  // namespace tsbhyve::soft
