// SPDX-License-Identifier: BSD-2-Clause
#include "soft/threads/inbox.h"

#include <bit>

#include "soft/apic.h"
#include "soft/cpu.h"

namespace tsbhyve::soft {

namespace {

constexpr u32 has_sipi = 1u << 8;

void take_vectors(std::atomic<u64> (&words)[4], LocalApic& apic, bool level) {
  for (u32 word = 0; word < 4; word++) {
    for (u64 bits = words[word].exchange(0); bits != 0; bits &= bits - 1) {
      apic.deliver(Fixed, static_cast<u8>(word * 64 + static_cast<u32>(std::countr_zero(bits))), level);
    }
  }
}

}  // namespace

void Inbox::post(u32 delivery_mode, u8 vector, bool level) {
  switch (delivery_mode) {
    case Fixed:
    case LowestPriority: {
      // GCC 12 sets the index of `(a ? b : c)[i]` in one of the two ways only when it checks bounds.
      std::atomic<u64>* const words = level ? level_ : edge_;
      words[vector / 64] |= u64{1} << vector % 64;
      break;
    }
    case Nmi: nmi_ = true; break;
    case Init: init_ = true; break;
    case StartUp: sipi_ = has_sipi | vector; break;
    case ExtInt: ext_int_ = true; break;
    default: return;  // SMI: the platform has no system-management mode
  }
  waiting_ = true;
}

void Inbox::set_external_interrupt(bool level) {
  external_ = level ? Pin::High : Pin::Low;
  waiting_ = true;
}

void Inbox::deliver(Cpu* cpu) {
  if (!waiting_.exchange(false)) return;
  take_pin(cpu);
  // A start-up that follows an INIT comes after it however late both are seen; what was sent before the INIT is lost.
  if (init_.exchange(false)) cpu->apic->deliver(Init, 0, false);
  if (const u32 sipi = sipi_.exchange(0)) cpu->apic->deliver(StartUp, static_cast<u8>(sipi), false);
  if (nmi_.exchange(false) && cpu->run_state != RunState::WaitForSipi) cpu->apic->deliver(Nmi, 0, false);
  if (ext_int_.exchange(false)) cpu->apic->deliver(ExtInt, 0, false);
  take_vectors(edge_, *cpu->apic, false);
  take_vectors(level_, *cpu->apic, true);
}

void Inbox::take_pin(Cpu* cpu) {
  if (const Pin pin = external_.exchange(Pin::Unchanged); pin != Pin::Unchanged)
    cpu->external_interrupt = pin == Pin::High;
}

void Inbox::clear(Cpu* cpu) {
  take_pin(cpu);
  sipi_ = 0;
  nmi_ = init_ = ext_int_ = waiting_ = false;
  for (u32 word = 0; word < 4; word++) edge_[word] = level_[word] = 0;
}

}  // namespace tsbhyve::soft
