// SPDX-License-Identifier: BSD-2-Clause
// The APIC timer (SDM vol. 3, 10.5.4). The bus clock is 1 GHz, one tick a nanosecond of VM time, unless somebody who
// imitates another machine wants it otherwise.
#include <algorithm>

#include "soft/apic.h"
#include "soft/cpu.h"
#include "soft/leave.h"
#include "soft/platform.h"

namespace tsbhyve::soft {

namespace {
constexpr u32 mode_periodic = 1, mode_tsc_deadline = 2;
constexpr u64 never = ~u64{0}, usual_hz = 1'000'000'000;
}  // namespace

u64 LocalApic::now() const { return cpu_->platform->time_ns(retired_between_blocks(cpu_)); }

u64 LocalApic::divisor() const {
  const u32 code = (state_.divide_configuration & 3) | (state_.divide_configuration & 8) >> 1;
  return code == 7 ? 1 : u64{2} << code;
}

u64 LocalApic::nanoseconds(u64 counts) const {
  const u64 ticks = counts * divisor(), hz = cpu_->platform->lapic_hz;
  if (hz == usual_hz) return ticks;
  return static_cast<u64>((static_cast<u128>(ticks) * usual_hz + hz - 1) / hz);
}

u64 LocalApic::counts(u64 nanoseconds) const {
  const u64 hz = cpu_->platform->lapic_hz;
  if (hz == usual_hz) return nanoseconds / divisor();
  return static_cast<u64>(static_cast<u128>(nanoseconds) * hz / usual_hz) / divisor();
}

/// VM time since the count was loaded. The difference is taken as signed: a change of the divisor may move the start to
/// before power-on, and a restored one may lie ahead of the clock.
u64 LocalApic::elapsed() const {
  const i64 distance = static_cast<i64>(now() - state_.timer_start);
  return distance > 0 ? static_cast<u64>(distance) : 0;
}

u32 LocalApic::current_count() const {
  if (!state_.timer_running || timer_mode() == mode_tsc_deadline) return 0;
  const u64 ticks = counts(elapsed());
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

/// VM time at which the TSC reaches IA32_TSC_DEADLINE; zero when it has. Both are unsigned 64-bit numbers (SDM vol. 3,
/// 10.5.4.1), and the guest may have moved the TSC anywhere.
u64 LocalApic::tsc_deadline_time() const {
  if (state_.tsc_deadline == 0) return never;
  const Platform& platform = *cpu_->platform;
  const u64 tsc = platform.tsc(retired_between_blocks(cpu_));
  if (tsc >= state_.tsc_deadline) return 0;
  const u64 unmoved = tsc - static_cast<u64>(platform.tsc_offset);
  const u128 wanted = static_cast<u128>(unmoved) + (state_.tsc_deadline - tsc);
  return static_cast<u64>(std::min<u128>((wanted * 1'000'000'000 + platform.tsc_hz - 1) / platform.tsc_hz, never));
}

u64 LocalApic::next_deadline() const {
  if (timer_mode() == mode_tsc_deadline) return tsc_deadline_time();
  if (!state_.timer_running) return never;
  return state_.timer_start + nanoseconds(state_.initial_count);
}

void LocalApic::advance(u64 now) {
  const u64 deadline = next_deadline();
  if (now < deadline) return;
  if (timer_mode() == mode_tsc_deadline) {
    state_.tsc_deadline = 0;
  } else if (timer_mode() == mode_periodic) {
    // Periods that passed unseen are one interrupt, as a request bit holds only one.
    const u64 length = nanoseconds(state_.initial_count);
    state_.timer_start += elapsed() / length * length;
  } else {
    state_.timer_running = false;
  }
  local_interrupt(LvtTimer);
}

}  // namespace tsbhyve::soft
