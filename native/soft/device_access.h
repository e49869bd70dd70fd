// SPDX-License-Identifier: BSD-2-Clause
// Accesses that leave the CPU: MMIO, ports, MSRs it does not know.
#pragma once

#include "soft/block.h"

namespace tsbhyve::soft {

/// Returns the answer, or escapes to the device model if it has not been asked yet; the instruction then runs again
/// (see DeviceAccess). Only for instructions that are alone in their block: call require_single first.
DeviceAccess device_access(Cpu* cpu, AccessKind kind, u64 address, u8 width, bool is_write, u64 value);

/// Makes the instruction run alone in its block, by escaping and running it again if it does not yet. Then nothing
/// after it has been decoded, and events it causes are seen at the next instruction boundary.
inline bool runs_alone(const Cpu* cpu) { return (cpu->mode & mode_single) != 0; }
void require_single(Cpu* cpu, const Op* op);

}  // namespace tsbhyve::soft
