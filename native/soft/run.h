// SPDX-License-Identifier: BSD-2-Clause
// The run loop: blocks, events between them, and what stops it.
#pragma once

#include "soft/cpu.h"

namespace tsbhyve::soft {

enum class Stop : u8 {
  Budget,      // cpu->budget instructions were retired
  Device,      // cpu->access waits for an answer
  Halted,      // HLT, waiting for SIPI: nothing to run until an event
  Shutdown,    // triple fault
  Deadline,    // the LAPIC timer was set anew: look at deadlines again
  Alone,       // the next instruction has to run while no other vCPU does
  Difference,  // lockstep: the two tiers do not agree
};

/// Runs until something stops it. The budget is in cpu->budget (see Cpu::retire_limit).
Stop execute(Cpu* cpu);

/// Finishes the instruction that was waiting for an answer and starts no other. Device when it asks again.
Stop finish_instruction(Cpu* cpu);

/// Puts the answer to cpu->access where the instruction will find it.
void answer_access(Cpu* cpu, u64 value, bool refused);

/// Marks the linear-address breakpoints and shadows that make the next instruction run alone.
bool needs_single(const Cpu* cpu);

}  // namespace tsbhyve::soft
