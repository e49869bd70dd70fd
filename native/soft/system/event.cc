// SPDX-License-Identifier: BSD-2-Clause
// Delivery of exceptions and interrupts: the choice by mode, and faults on the way (SDM vol. 3, 6.15, "Interrupt 8").
#include <csetjmp>
#include <cstring>

#include "soft/system/event_parts.h"

namespace tsbhyve::soft {

namespace {

constexpr u64 dr7_general_detect = u64{1} << 13;

enum class Severity : u8 { Benign, Contributory, PageFault };

Severity severity_of(u8 vector) {
  switch (vector) {
    case Vector::DE:
    case Vector::TS:
    case Vector::NP:
    case Vector::SegmentSS:
    case Vector::GP: return Severity::Contributory;
    case Vector::PF: return Severity::PageFault;
    default: return Severity::Benign;
  }
}

/// Table 6-5: whether the second fault makes a double fault of the pair.
bool doubles(u8 first, u8 second) {
  const Severity before = severity_of(first), after = severity_of(second);
  if (before == Severity::Contributory) return after == Severity::Contributory;
  return before == Severity::PageFault && after != Severity::Benign;
}

/// Faults are pushed with RF set so that the instruction is not stopped by its breakpoint again (SDM vol. 3, 17.3.1.1).
bool pushes_resume_flag(u8 vector) { return vector != Vector::DB && vector != Vector::MC; }

enum class Outcome : u8 { Delivered, Faulted, Impossible };

/// Delivery with its own landing place for faults. A descriptor table or stack that only the device model can answer
/// for is no place to deliver to.
Outcome try_deliver(Cpu* cpu, const Fault& event) {
  std::jmp_buf outer;
  std::memcpy(&outer, &cpu->escape_point, sizeof(outer));
  Outcome outcome;
  switch (setjmp(cpu->escape_point)) {
    case 0:
      deliver_event(cpu, event.vector, EventKind::HardwareException, event.has_error, event.error);
      outcome = Outcome::Delivered;
      break;
    case static_cast<int>(Escape::Fault): outcome = Outcome::Faulted; break;
    default: outcome = Outcome::Impossible; break;
  }
  std::memcpy(&cpu->escape_point, &outer, sizeof(outer));
  return outcome;
}

}  // namespace

void deliver_event(Cpu* cpu, u8 vector, EventKind kind, bool has_error, u32 error) {
  const bool software = kind == EventKind::SoftwareInterrupt || kind == EventKind::SoftwareException;
  const Event event{vector, has_error, error, software, software ? 0u : 1u};
  if (real_mode(cpu)) {
    deliver_real(cpu, event);
  } else if (long_mode(cpu)) {
    deliver_long(cpu, event);
  } else {
    deliver_protected(cpu, event);
  }
  cpu->interrupt_shadow = cpu->debug_shadow = false;
  if (vector == Vector::DB && kind == EventKind::HardwareException) cpu->dr7 &= ~dr7_general_detect;
}

void deliver_fault(Cpu* cpu) {
  cpu->current_op = nullptr;
  Fault first = cpu->fault;
  for (;;) {
    if (pushes_resume_flag(first.vector)) cpu->rflags |= rflags::RF;
    const Outcome outcome = try_deliver(cpu, first);
    if (outcome == Outcome::Delivered) return;
    if (outcome == Outcome::Impossible || first.vector == Vector::DF) break;
    const Fault second = cpu->fault;
    first = doubles(first.vector, second.vector) ? Fault{Vector::DF, true, 0} : second;
  }
  cpu->run_state = RunState::Shutdown;
}

}  // namespace tsbhyve::soft
