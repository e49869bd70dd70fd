// SPDX-License-Identifier: BSD-2-Clause
// Event delivery by mode: real-address, protected and 64-bit.
#pragma once

#include "soft/system/system.h"

namespace tsbhyve::soft {

struct Event {
  u8 vector;
  bool has_error;
  u32 error;
  bool checks_privilege;  // INT n, INT3, INTO: the gate's DPL counts
  u32 external;           // EXT bit of error codes that delivery itself raises
};

/// Error code that names the event's gate in the IDT.
inline u32 gate_error(const Event& event) { return event.vector * 8u + 2 + event.external; }

inline constexpr u64 flags_cleared_by_gates = rflags::TF | rflags::NT | rflags::RF | rflags::VM;

void deliver_real(Cpu* cpu, const Event& event);
void deliver_protected(Cpu* cpu, const Event& event);
void deliver_long(Cpu* cpu, const Event& event);

}  // namespace tsbhyve::soft
