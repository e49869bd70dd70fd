// SPDX-License-Identifier: BSD-2-Clause
// The APIC timer (SDM vol. 3, 10.5.4). The bus clock is 1 GHz: one tick is one nanosecond of VM time.
#include <algorithm>

#include "soft/apic.h"
#include "soft/cpu.h"
#include "soft/leave.h"
#include "soft/platform.h"

namespace tsbhyve::soft {

namespace {
constexpr u32 mode_periodic = 1, mode_tsc_deadline = 2;
constexpr u64 never = ~u64{0};
}  // namespace

u64 LocalApic::now() const { return cpu_->platform->time_ns(retired_between_blocks(cpu_)); }

u64 LocalApic::period() const {
  const u32 code = (state_.divide_configuration & 3) | (state_.divide_configuration & 8) >> 1;
  return code == 7 ? 1 : u64{2} << code;
}

u32 LocalApic::current_count() const {
  if (!state_.timer_running || timer_mode() == mode_tsc_deadline) return 0;
  const u64 ticks = (now() - state_.timer_start) / period();
  if (timer_mode() == mode_periodic) return static_cast<u32>(state_.initial_count - ticks % state_.initial_count);
  return ticks >= state_.initial_count ? 0 : static_cast<u32>(state_.initial_count - ticks);
}

void LocalApic::load_count(u32 value) {
  if (timer_mode() == mode_tsc_deadline) return;
  state_.initial_count = value;
  state_.timer_start = now();
  state_.timer_running = value != 0;
  cpu_->deadline_changed = true;
}

u64 LocalApic::next_deadline() const {
  if (timer_mode() == mode_tsc_deadline) {
    if (state_.tsc_deadline == 0) return never;
    const Platform& platform = *cpu_->platform;
    const u64 ticks = state_.tsc_deadline - static_cast<u64>(platform.tsc_offset);
    if (static_cast<i64>(ticks) < 0) return state_.tsc_deadline < static_cast<u64>(platform.tsc_offset) ? 0 : never;
    const u128 scaled = (static_cast<u128>(ticks) * 1'000'000'000 + platform.tsc_hz - 1) / platform.tsc_hz;
    return static_cast<u64>(std::min<u128>(scaled, never));
  }
  if (!state_.timer_running) return never;
  return state_.timer_start + state_.initial_count * period();
}

void LocalApic::advance(u64 now) {
  const u64 deadline = next_deadline();
  if (now < deadline) return;
  if (timer_mode() == mode_tsc_deadline) {
    state_.tsc_deadline = 0;
  } else if (timer_mode() == mode_periodic) {
    // Periods that passed unseen are one interrupt, as a request bit holds only one.
    const u64 length = state_.initial_count * period();
    state_.timer_start += (now - state_.timer_start) / length * length;
  } else {
    state_.timer_running = false;
  }
  local_interrupt(LvtTimer);
}

}  // namespace tsbhyve::soft
