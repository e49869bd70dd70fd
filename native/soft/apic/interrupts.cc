// SPDX-License-Identifier: BSD-2-Clause
// Acceptance, priority and delivery of interrupts (SDM vol. 3, 10.6 to 10.8).
#include <bit>

#include "soft/apic.h"
#include "soft/cpu.h"
#include "soft/system/system.h"
#include "soft/threads/threaded_cpu.h"

namespace tsbhyve::soft {

namespace {

constexpr u32 error_send_illegal_vector = 1u << 5, error_receive_illegal_vector = 1u << 6;
constexpr u32 mask_bit = 1u << 16;

void set_bit(u32 (&words)[8], u8 vector) { words[vector >> 5] |= 1u << (vector & 31); }
void clear_bit(u32 (&words)[8], u8 vector) { words[vector >> 5] &= ~(1u << (vector & 31)); }
bool test_bit(const u32 (&words)[8], u8 vector) { return words[vector >> 5] >> (vector & 31) & 1; }

/// Highest set bit, or -1.
int highest(const u32 (&words)[8]) {
  for (int word = 7; word >= 0; word--) {
    if (words[word]) return word * 32 + 31 - std::countl_zero(words[word]);
  }
  return -1;
}

}  // namespace

u8 LocalApic::processor_priority() const {
  const int in_service = highest(state_.in_service);
  const u32 service_class = in_service < 0 ? 0 : static_cast<u32>(in_service) & 0xf0;
  if ((state_.task_priority & 0xf0) >= service_class) return static_cast<u8>(state_.task_priority);
  return static_cast<u8>(service_class);
}

void LocalApic::update() {
  const int requested = highest(state_.request);
  const u8 priority = processor_priority();
  cpu_->apic_interrupt = requested >= 0 && is_enabled() && (static_cast<u32>(requested) & 0xf0) > (priority & 0xf0u);
  constexpr auto relaxed = std::memory_order_relaxed;
  heard_.base.store(state_.base, relaxed);
  heard_.id.store(state_.id, relaxed);
  heard_.logical_destination.store(state_.logical_destination, relaxed);
  heard_.destination_format.store(state_.destination_format, relaxed);
  heard_.spurious.store(state_.spurious, relaxed);
  heard_.priority.store(priority, relaxed);
}

u8 LocalApic::acknowledge() {
  const u8 vector = static_cast<u8>(highest(state_.request));
  clear_bit(state_.request, vector);
  set_bit(state_.in_service, vector);
  update();
  return vector;
}

void LocalApic::end_of_interrupt() {
  const int vector = highest(state_.in_service);
  if (vector < 0) return;
  clear_bit(state_.in_service, static_cast<u8>(vector));
  constexpr u32 suppress_broadcast = 1u << 12;
  if (test_bit(state_.trigger_mode, static_cast<u8>(vector)) && !(state_.spurious & suppress_broadcast)) {
    set_bit(state_.ended_levels, static_cast<u8>(vector));
    cpu_->deadline_changed = true;
  }
}

int LocalApic::take_ended_level() {
  const int vector = highest(state_.ended_levels);
  if (vector >= 0) clear_bit(state_.ended_levels, static_cast<u8>(vector));
  return vector;
}

void LocalApic::error(u32 bit) {
  state_.error_pending |= bit;
  local_interrupt(LvtError);
}

void LocalApic::local_interrupt(u32 entry) {
  const u32 lvt = state_.lvt[entry];
  if (lvt & mask_bit) return;
  const u32 mode = entry == LvtTimer || entry == LvtError ? static_cast<u32>(Fixed) : (lvt >> 8) & 7;
  const u8 vector = static_cast<u8>(lvt);
  if (entry == LvtError && vector < 16) return;  // no error about an error
  deliver(mode, vector, false);
}

void LocalApic::accept(u8 vector, bool level) {
  if (vector < 16) return error(error_receive_illegal_vector);
  if (!software_enabled()) return;
  set_bit(state_.request, vector);
  if (level)
    set_bit(state_.trigger_mode, vector);
  else
    clear_bit(state_.trigger_mode, vector);
  update();
}

void LocalApic::deliver(u32 delivery_mode, u8 vector, bool level) {
  switch (delivery_mode) {
    case Fixed:
    case LowestPriority: return accept(vector, level);
    case Nmi: cpu_->nmi_pending = true; return;
    case Init:
      cpu_->init_pending = true;
      forget_sipi(cpu_);  // only one that comes after it starts the processor
      return;
    case StartUp:
      cpu_->sipi_pending = true;
      cpu_->sipi_vector = vector;
      return;
    case ExtInt: state_.external_request = true; return;
    default: return;  // SMI: the platform has no system-management mode
  }
}

bool LocalApic::hears(Destination to) const {
  if (!is_on()) return false;
  if (to.id == ~u32{0}) return true;
  if (!to.logical) return to.id == heard_.id;
  const u32 logical = heard_.logical_destination;
  if (heard_.base & (1 << 10)) return to.id >> 16 == logical >> 16 && (to.id & logical & 0xffff);
  const u32 own = logical >> 24;
  if (heard_.destination_format >> 28 == 0xf) return own & to.id;  // flat
  return own >> 4 == to.id >> 4 && (own & to.id & 0xf);            // cluster
}

void LocalApic::receive(const InterruptMessage& message) {
  if (cpu_->threaded) return cpu_->threaded->post(message.mode, message.vector, message.level);
  deliver(message.mode, message.vector, message.level);
}

/// SDM vol. 3, 10.6.1.
void LocalApic::send_command(u32 destination, u32 low) {
  enum Shorthand : u32 { None, Self, AllIncludingSelf, AllExcludingSelf };
  const u32 mode = (low >> 8) & 7;
  const bool level = low & (1u << 15), assert_level = low & (1u << 14);
  const InterruptMessage message{mode, static_cast<u8>(low), level, mode == LowestPriority};
  if (mode == Init && level && !assert_level) return;  // INIT level de-assert: nothing on this processor
  if ((mode == Fixed || mode == LowestPriority) && message.vector < 16) return error(error_send_illegal_vector);
  switch ((low >> 18) & 3) {
    case None: {
      const u32 everybody = x2() ? ~u32{0} : 0xff;
      return bus_.send({destination == everybody ? ~u32{0} : destination, (low & (1u << 11)) != 0}, message);
    }
    case Self: return deliver(mode, message.vector, level);
    case AllIncludingSelf: return bus_.send_all(message, nullptr);
    case AllExcludingSelf: return bus_.send_all(message, this);
    default: return;
  }
}

bool LocalApic::accepts_external_interrupt() const {
  if (!is_enabled()) return true;  // LINT0 is INTR
  if (state_.external_request) return true;
  return !(state_.lvt[LvtLint0] & mask_bit) && ((state_.lvt[LvtLint0] >> 8) & 7) == ExtInt;
}

void LocalApic::start_at(u8 sipi_vector) {
  cpu_->run_state = RunState::Running;
  cpu_->segment[CS].selector = static_cast<u16>(sipi_vector << 8);
  cpu_->segment[CS].base = static_cast<u64>(sipi_vector) << 12;
  cpu_->rip = 0;
  update_mode(cpu_);
}

}  // namespace tsbhyve::soft
