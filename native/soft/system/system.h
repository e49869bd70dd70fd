// SPDX-License-Identifier: BSD-2-Clause
// Processor mechanisms that the run loop and several instruction families share.
#pragma once

#include "soft/cpu.h"

namespace tsbhyve::soft {

enum class EventKind : u8 {
  HardwareException,
  ExternalInterrupt,
  Nmi,
  SoftwareInterrupt /* INT n, checks DPL */,
  SoftwareException /* INT3, INTO */,
  PrivilegedException /* INT1 */
};

/// Pushes a frame and enters the handler of `vector` (SDM vol. 3, 6.12 and 6.14). cpu->rip must be the return address.
/// Escapes with a fault when delivery itself faults; nothing but stack memory has then changed.
void deliver_event(Cpu* cpu, u8 vector, EventKind kind, bool has_error, u32 error);

/// Delivers cpu->fault at cpu->rip, with the double- and triple-fault rules of SDM vol. 3, table 6-5. A triple fault
/// sets RunState::Shutdown. Never escapes.
void deliver_fault(Cpu* cpu);

/// Recomputes what is derived from CR0, CR4, EFER, CS, SS and CPL: Cpu::mode and Cpu::fast. Call after any of them
/// changes.
void update_mode(Cpu* cpu);

/// Its vector too: no state of a vCPU tells what messages it once had.
inline void forget_sipi(Cpu* cpu) {
  cpu->sipi_pending = false;
  cpu->sipi_vector = 0;
}

/// State after RESET or INIT (SDM vol. 3, table 9-1).
void reset_cpu(Cpu* cpu, bool init_only);

/// Status of RFLAGS, MSRs and control registers as a whole: used by restore, which checks and refuses bad values.
bool msr_read(Cpu* cpu, u32 index, u64 retired, u64& value);  // false: not an MSR of ours
bool msr_write(Cpu* cpu, u32 index, u64 retired, u64 value);  // false: not ours or a reserved bit

/// MSRs that are saved, in order. The APIC's are saved with it.
const u32* saved_msrs(size_t& count);

}  // namespace tsbhyve::soft
