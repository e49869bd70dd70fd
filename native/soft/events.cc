// SPDX-License-Identifier: BSD-2-Clause
#include "soft/events.h"

#include "soft/apic.h"
#include "soft/device_access.h"
#include "soft/leave.h"
#include "soft/memory/debug_watch.h"
#include "soft/system/system.h"

namespace tsbhyve::soft {

namespace {

bool interrupts_open(const Cpu* cpu) { return (cpu->rflags & rflags::IF) && !cpu->interrupt_shadow; }

bool nmi_open(const Cpu* cpu) { return cpu->nmi_pending && !cpu->nmi_blocked && !cpu->interrupt_shadow; }

void wake_from_halt(Cpu* cpu) {
  if (cpu->run_state == RunState::Halted) cpu->run_state = RunState::Running;
}

void take_debug_trap(Cpu* cpu) {
  cpu->dr6 |= cpu->pending_debug;
  cpu->pending_debug = 0;
  cpu->dr7 &= ~(u64{1} << 13);  // GD
  wake_from_halt(cpu);
  cpu->budget--;  // as for faults: a watched exception stack makes one trap after another
  deliver_event(cpu, Vector::DB, EventKind::HardwareException, false, 0);
}

/// The 8259 has given its vector: this interrupt can no longer be exchanged for another.
bool acknowledged(const Cpu* cpu) {
  return cpu->answered_count > 0 && cpu->answered[0].kind == AccessKind::InterruptAcknowledge;
}

void take_external_interrupt(Cpu* cpu) {
  u8 vector;
  if (cpu->apic_interrupt && !acknowledged(cpu)) {
    vector = cpu->apic->acknowledge();
  } else {
    vector = static_cast<u8>(device_access(cpu, AccessKind::InterruptAcknowledge, 0, 1, false, 0).value);
    cpu->apic->external_acknowledged();
    cpu->answered_count = cpu->answered_used = 0;
  }
  wake_from_halt(cpu);
  deliver_event(cpu, vector, EventKind::ExternalInterrupt, false, 0);
}

bool extint_open(const Cpu* cpu) { return cpu->external_interrupt && cpu->apic->accepts_external_interrupt(); }

}  // namespace

bool events_wait(const Cpu* cpu) {
  if (cpu->answered_count > 0) return acknowledged(cpu);
  return cpu->pending_debug || cpu->nmi_pending || cpu->init_pending || cpu->sipi_pending || cpu->apic_interrupt ||
         cpu->external_interrupt;
}

bool take_events(Cpu* cpu) {
  if (acknowledged(cpu)) {
    take_external_interrupt(cpu);
    return true;
  }
  if (cpu->run_state == RunState::Shutdown) return false;
  if (cpu->init_pending) {
    cpu->init_pending = false;
    reset_cpu(cpu, true);
    cpu->apic->init();
    if (!cpu->apic->is_bootstrap()) cpu->run_state = RunState::WaitForSipi;
    return true;
  }
  if (cpu->run_state == RunState::WaitForSipi) {
    if (!cpu->sipi_pending) return false;
    const u8 vector = cpu->sipi_vector;
    forget_sipi(cpu);
    cpu->apic->start_at(vector);
    return true;
  }
  forget_sipi(cpu);  // ignored outside wait-for-SIPI (SDM vol. 3, 8.4.2)
  if (cpu->pending_debug && !cpu->debug_shadow) {
    take_debug_trap(cpu);
    return true;
  }
  if (nmi_open(cpu)) {
    cpu->nmi_pending = false;
    cpu->nmi_blocked = true;
    wake_from_halt(cpu);
    deliver_event(cpu, Vector::NMI, EventKind::Nmi, false, 0);
    return true;
  }
  if (interrupts_open(cpu) && (cpu->apic_interrupt || extint_open(cpu))) {
    take_external_interrupt(cpu);
    return true;
  }
  return false;
}

bool has_work(const Cpu* cpu) {
  if (cpu->init_pending) return true;
  switch (cpu->run_state) {
    case RunState::WaitForSipi: return cpu->sipi_pending;
    case RunState::Halted:
      return (cpu->pending_debug && !cpu->debug_shadow) || nmi_open(cpu) ||
             (interrupts_open(cpu) && (cpu->apic_interrupt || extint_open(cpu)));
    case RunState::Running:
    case RunState::Shutdown: break;
  }
  return true;
}

void check_instruction_breakpoint(Cpu* cpu) {
  if (cpu->debug_shadow) return;  // behind MOV SS, as if RF were set (SDM vol. 3, 17.3.1.1)
  const u64 lin = cut_linear(cpu, (cpu->mode & mode_code64 ? 0 : cpu->segment[CS].base) + cpu->rip);
  u64 hit = 0;
  for (u32 n = 0; n < 4; n++) {
    if (breakpoint_enabled(cpu->dr7, n) && breakpoint_type(cpu->dr7, n) == 0 && cpu->dr[n] == lin) hit |= u64{1} << n;
  }
  if (hit == 0) return;
  cpu->dr6 |= hit;
  raise(cpu, nullptr, Vector::DB);
}

bool traps_after(const Cpu* cpu, const Block* block) {
  return !block->software_interrupt || (cpu->rflags & rflags::TF);
}

}  // namespace tsbhyve::soft
