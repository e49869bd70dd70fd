// SPDX-License-Identifier: BSD-2-Clause
// Register file of the local APIC (SDM vol. 3, table 10-1 and 10-6).
#include "soft/apic.h"
#include "soft/cpu.h"
#include "soft/platform.h"

namespace tsbhyve::soft {

namespace {

constexpr u32 version = 0x14 | (LvtCount - 1) << 16 | 1u << 24;  // EOI-broadcast suppression
constexpr u32 mask_bit = 1u << 16;
constexpr u64 base_enable = 1 << 11, base_x2 = 1 << 10, base_bootstrap = 1 << 8;
constexpr u32 error_illegal_register = 1u << 7;

/// Writable bits of each LVT entry (SDM vol. 3, figure 10-8).
constexpr u32 lvt_writable[LvtCount] = {0x700ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff};

/// Register numbers are xAPIC offsets / 16, and x2APIC MSR numbers - 800h.
enum : u32 {
  Id = 0x02,
  Version = 0x03,
  Tpr = 0x08,
  Apr = 0x09,
  Ppr = 0x0a,
  Eoi = 0x0b,
  Ldr = 0x0d,
  Dfr = 0x0e,
  Svr = 0x0f,
  Isr = 0x10,
  Tmr = 0x18,
  Irr = 0x20,
  Esr = 0x28,
  IcrLow = 0x30,
  IcrHigh = 0x31,
  Timer = 0x32,
  Thermal = 0x33,
  Performance = 0x34,
  Lint0 = 0x35,
  Lint1 = 0x36,
  Error = 0x37,
  InitialCount = 0x38,
  CurrentCount = 0x39,
  DivideConfiguration = 0x3e,
  SelfIpi = 0x3f,
};

/// x2APIC logical ids are fixed: cluster in the upper half, one bit in the lower (SDM vol. 3, 10.12.10.2).
u32 fixed_logical_id(u32 id) { return (id >> 4) << 16 | 1u << (id & 15); }

}  // namespace

LocalApic::LocalApic(Cpu* cpu, InterruptBus& bus) : cpu_(cpu), bus_(bus), bootstrap_(cpu->platform->apic_id == 0) {
  bus.add(this);
  reset();
}

void LocalApic::reset() {
  state_ = {};
  state_.id = cpu_->platform->apic_id;
  if (bootstrap_) state_.base |= base_bootstrap;
  update();
}

void LocalApic::init() {
  const u64 base = state_.base;
  const u32 id = state_.id;
  reset();
  state_.base = base;
  state_.id = id;
  if (x2()) state_.logical_destination = fixed_logical_id(state_.id);
  update();
}

bool LocalApic::write_base_msr(u64 value) {
  constexpr u64 writable = 0xffffff000 | base_enable | base_x2 | base_bootstrap;
  if (value & ~writable) return false;
  const bool was_enabled = state_.base & base_enable, enable = value & base_enable, want_x2 = value & base_x2;
  // Legal moves: SDM vol. 3, figure 10-27.
  if (want_x2 && !enable) return false;
  if (x2() && !want_x2 && enable) return false;
  if (!was_enabled && want_x2) return false;
  if (was_enabled && !enable) {
    const u32 id = state_.id;
    reset();
    state_.id = id;
  }
  state_.base = (value & ~base_bootstrap) | (bootstrap_ ? base_bootstrap : 0);
  if (want_x2) state_.logical_destination = fixed_logical_id(state_.id);
  update();
  return true;
}

u32 LocalApic::read_register(u32 index) {
  switch (index) {
    case Id: return x2() ? state_.id : state_.id << 24;
    case Version: return version;
    case Tpr: return state_.task_priority;
    case Apr: return 0;
    case Ppr: return processor_priority();
    case Ldr: return state_.logical_destination;
    case Dfr: return state_.destination_format;
    case Svr: return state_.spurious;
    case Esr: return state_.error_status;
    case IcrLow: return static_cast<u32>(state_.interrupt_command);
    case IcrHigh: return static_cast<u32>(state_.interrupt_command >> 32);
    case Timer: return state_.lvt[LvtTimer];
    case Thermal: return state_.lvt[LvtThermal];
    case Performance: return state_.lvt[LvtPerformance];
    case Lint0: return state_.lvt[LvtLint0];
    case Lint1: return state_.lvt[LvtLint1];
    case Error: return state_.lvt[LvtError];
    case InitialCount: return state_.initial_count;
    case CurrentCount: return current_count();
    case DivideConfiguration: return state_.divide_configuration;
    default: break;
  }
  if (index >= Isr && index < Isr + 8) return state_.in_service[index - Isr];
  if (index >= Tmr && index < Tmr + 8) return state_.trigger_mode[index - Tmr];
  if (index >= Irr && index < Irr + 8) return state_.request[index - Irr];
  error(error_illegal_register);
  return 0;
}

void LocalApic::write_lvt(u32 entry, u32 value) {
  value &= lvt_writable[entry];
  if (!software_enabled()) value |= mask_bit;
  if (entry == LvtTimer) {
    const u32 changed = (state_.lvt[entry] ^ value) & (3 << 17);
    state_.lvt[entry] = value;
    if (changed) {  // leaving or entering TSC-deadline mode disarms the timer (SDM vol. 3, 10.5.4.1)
      state_.tsc_deadline = 0;
      state_.timer_running = false;
      state_.initial_count = 0;
      cpu_->deadline_changed = true;
    }
    return;
  }
  state_.lvt[entry] = value;
}

void LocalApic::write_spurious(u32 value) {
  state_.spurious = value & 0x13ff;
  if (software_enabled()) return;
  for (u32& entry : state_.lvt) entry |= mask_bit;
}

bool LocalApic::write_register(u32 index, u32 value) {
  switch (index) {
    case Tpr: state_.task_priority = value & 0xff; break;
    case Eoi: end_of_interrupt(); break;
    case Svr: write_spurious(value); break;
    case Esr:
      state_.error_status = state_.error_pending;
      state_.error_pending = 0;
      break;
    case Timer: write_lvt(LvtTimer, value); break;
    case Thermal: write_lvt(LvtThermal, value); break;
    case Performance: write_lvt(LvtPerformance, value); break;
    case Lint0: write_lvt(LvtLint0, value); break;
    case Lint1: write_lvt(LvtLint1, value); break;
    case Error: write_lvt(LvtError, value); break;
    case InitialCount: load_count(value); break;
    case DivideConfiguration: {
      const u32 left = current_count();
      state_.divide_configuration = value & 0xb;
      // The count goes on from where it is. Its start may lie before power-on: see elapsed().
      if (state_.timer_running) state_.timer_start = now() - nanoseconds(state_.initial_count - u64{left});
      cpu_->deadline_changed = true;
      break;
    }
    default: error(error_illegal_register); return false;
  }
  update();
  return true;
}

u32 LocalApic::read(u32 offset) { return offset & 15 ? 0 : read_register(offset >> 4); }

void LocalApic::write(u32 offset, u32 value) {
  if (offset & 15) return;
  switch (offset >> 4) {
    case Id: state_.id = value >> 24; break;
    case Ldr: state_.logical_destination = value & 0xff000000; break;
    case Dfr: state_.destination_format = value | 0x0fffffff; break;
    case IcrHigh: state_.interrupt_command = (state_.interrupt_command & 0xffffffff) | u64{value} << 32; break;
    case IcrLow:
      state_.interrupt_command = (state_.interrupt_command & ~u64{0xffffffff}) | (value & 0xcdfff);
      send_command(static_cast<u32>(state_.interrupt_command >> 56), value);
      break;
    default: write_register(offset >> 4, value); break;
  }
  update();
}

bool LocalApic::read_msr(u32 index, u64& value) {
  constexpr u32 tsc_deadline_msr = 0x6e0;
  if (index == tsc_deadline_msr) {
    value = state_.tsc_deadline;
    return true;
  }
  if (!x2()) return false;
  const u32 number = index - 0x800;
  if (number == IcrLow) {
    value = state_.interrupt_command;
    return true;
  }
  const bool readable = number == Id || number == Version || number == Tpr || number == Ppr || number == Ldr ||
                        number == Svr || (number >= Isr && number < Irr + 8) || number == Esr ||
                        (number >= Timer && number <= CurrentCount) || number == DivideConfiguration;
  if (!readable) return false;
  value = read_register(number);
  return true;
}

bool LocalApic::write_msr(u32 index, u64 value) {
  constexpr u32 tsc_deadline_msr = 0x6e0;
  if (index == tsc_deadline_msr) {
    if (timer_mode() == 2) {
      state_.tsc_deadline = value;
      cpu_->deadline_changed = true;
    }
    return true;
  }
  if (!x2()) return false;
  const u32 number = index - 0x800;
  if (number == IcrLow) {
    if (value & 0xfff32000) return false;
    state_.interrupt_command = value;
    send_command(static_cast<u32>(value >> 32), static_cast<u32>(value));
    return true;
  }
  if (value >> 32) return false;
  const u32 low = static_cast<u32>(value);
  if (number == SelfIpi) {
    if (low > 0xff) return false;
    deliver(0, static_cast<u8>(low), false);
    return true;
  }
  if (number == Eoi || number == Esr) return low == 0 && write_register(number, low);
  if (number == Tpr) return low <= 0xff && write_register(number, low);
  const bool writable = number == Svr || (number >= Timer && number <= InitialCount) || number == DivideConfiguration;
  return writable && write_register(number, low);
}

void LocalApic::set_task_priority(u8 value) {
  state_.task_priority = static_cast<u32>(value) << 4;
  update();
}

}  // namespace tsbhyve::soft
