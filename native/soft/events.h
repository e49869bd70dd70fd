// SPDX-License-Identifier: BSD-2-Clause
// What happens between instructions: traps, NMI, interrupts, INIT and SIPI (SDM vol. 3, 6.9, table 6-2).
#pragma once

#include "soft/block.h"
#include "soft/cpu.h"

namespace tsbhyve::soft {

inline constexpr u32 dr6_single_step = 1u << 14;

/// Cheap test: whether take_events may have something to do.
bool events_wait(const Cpu* cpu);

/// Takes the event of highest priority. True when it did something. Escapes when delivery faults or the 8259 must be
/// asked.
bool take_events(Cpu* cpu);

/// Whether it runs, or would if it were let: a halted one has work once there is an event that it may take.
bool has_work(const Cpu* cpu);

/// Raises #DB when an enabled execution breakpoint covers cpu->rip.
void check_instruction_breakpoint(Cpu* cpu);

/// Whether a TF trap follows the instruction of this one-instruction block: software interrupts clear TF on entry.
bool traps_after(const Cpu* cpu, const Block* block);

}  // namespace tsbhyve::soft
