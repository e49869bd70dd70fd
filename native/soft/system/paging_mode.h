// SPDX-License-Identifier: BSD-2-Clause
// What a change of the control registers does to paging (SDM vol. 3, 4.1.2 and 4.10.4).
#pragma once

#include "soft/cpu.h"

namespace tsbhyve::soft {

/// PAE paging without long mode, which keeps its four page-directory pointers in registers.
inline bool uses_pdptes(const Cpu* cpu) {
  return (cpu->cr0 & cr0::PG) && (cpu->cr4 & cr4::PAE) && !(cpu->efer & efer::LMA);
}

// Writes with the checks of MOV CRn (SDM vol. 2); they raise #GP(0) before anything has changed.
void write_cr0(Cpu* cpu, u64 value);
void write_cr3(Cpu* cpu, u64 value);
void write_cr4(Cpu* cpu, u64 value);
/// CR3 of a task switch: nothing is refused.
void load_task_cr3(Cpu* cpu, u64 value);
/// WRMSR to EFER; false for #GP(0).
bool write_efer(Cpu* cpu, u64 value);

}  // namespace tsbhyve::soft
