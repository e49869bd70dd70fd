// SPDX-License-Identifier: BSD-2-Clause
// Far JMP, CALL and RET (SDM vol. 3, 5.8).
#pragma once

#include "soft/system/descriptor.h"

namespace tsbhyve::soft {

/// Code segment that a JMP or CALL without a gate may go to, with RPL = CPL.
Segment checked_direct_code(Cpu* cpu, Descriptor& d, u16 selector);
/// Code segment that RETF or IRET may return to.
Segment checked_return_code(Cpu* cpu, u16 selector);
/// SS that RETF or IRET takes along to privilege `cpl`; null is allowed below 64-bit code of privilege 0 to 2.
Segment checked_return_stack(Cpu* cpu, u16 selector, const Segment& code, u8 cpl);

/// `size` is the operand size in bytes; cpu->rip must be the return address.
void far_jump(Cpu* cpu, u16 selector, u64 offset);
void far_call(Cpu* cpu, u16 selector, u64 offset, u32 size);
void far_return(Cpu* cpu, u32 size, u32 release);

/// The part of far_jump and far_call that goes through a call gate.
void enter_call_gate(Cpu* cpu, const Descriptor& gate, bool is_call);

}  // namespace tsbhyve::soft
