// SPDX-License-Identifier: BSD-2-Clause
#include "hpet.h"

#include <algorithm>

namespace imitation {

namespace {
constexpr u32 period_fs = 59'604'645;                              // 10^15 / 2^24
constexpr u64 route_and_abilities = 0xff000000'00008000 | 1 << 4;  // pins 24-31; periodic, by message
constexpr u64 enabled_bit = 1 << 2, periodic = 1 << 3, sets_value = 1 << 6, by_message = 1 << 14;
constexpr u64 writable = 0x2 | enabled_bit | periodic | sets_value | 0x3e00 | by_message;
}  // namespace

u32 Hpet::count(i64 now) const {
  return enabled() ? state.counter + static_cast<u32>(ticks_at(now - since_, hz)) : state.counter;
}

u32 Hpet::read(u64 offset, i64 now) const {
  switch (offset) {
    case 0x000: return 0x80860000 | (timers - 1) << 8 | 1;
    case 0x004: return period_fs;
    case 0x010: return state.config;
    case 0x020: return state.status;
    case 0x0f0: return count(now);
    default: break;
  }
  const u64 index = (offset - 0x100) / 0x20;
  if (offset < 0x100 || index >= timers) return 0;
  const Timer& timer = state.timer[index];
  switch (offset % 0x20) {
    case 0x00: return static_cast<u32>(timer.config | route_and_abilities);
    case 0x04: return static_cast<u32>(route_and_abilities >> 32);
    case 0x08: return timer.comparator;
    case 0x10: return static_cast<u32>(timer.message);
    case 0x14: return static_cast<u32>(timer.message >> 32);
    default: return 0;
  }
}

void Hpet::write(u64 offset, u32 value, i64 now) {
  if (offset == 0x010) {
    state.counter = count(now);
    since_ = now;
    state.config = value & 1;
    for (unsigned i = 0; i < timers; i++) schedule(i, now);
    return;
  }
  if (offset == 0x020) state.status &= ~value;
  if (offset == 0x0f0 && !enabled()) state.counter = value;
  const u64 index = (offset - 0x100) / 0x20;
  if (offset < 0x100 || index >= timers) return;
  Timer& timer = state.timer[index];
  switch (offset % 0x20) {
    case 0x00: timer.config = value & writable; break;
    case 0x08:
      if (!(timer.config & periodic) || timer.config & sets_value) timer.comparator = value;
      if (timer.config & periodic) timer.period = value;
      timer.config &= ~sets_value;
      break;
    case 0x10: timer.message = (timer.message & ~u64{0xffffffff}) | value; break;
    case 0x14: timer.message = (timer.message & 0xffffffff) | u64{value} << 32; break;
    default: return;
  }
  schedule(static_cast<unsigned>(index), now);
}

void Hpet::schedule(unsigned index, i64 now) {
  const Timer& timer = state.timer[index];
  if (!enabled() || !(timer.config & enabled_bit))
    due_[index] = never;
  else
    due_[index] = now + time_of(timer.comparator - count(now), hz);
}

i64 Hpet::next_match() const { return *std::min_element(due_, due_ + timers); }

void Hpet::advance(i64 now) {
  for (unsigned i = 0; i < timers; i++) {
    if (due_[i] > now) continue;
    Timer& timer = state.timer[i];
    if ((timer.config & periodic) && timer.period != 0) {
      const u32 behind = count(now) - timer.comparator;
      timer.comparator += (behind / timer.period + 1) * timer.period;
      schedule(i, now);
    } else {
      due_[i] = never;  // the counter takes four minutes to come round again
    }
    if (timer.config & by_message)
      send_(timer.message >> 32, static_cast<u32>(timer.message));
    else
      pulse_(static_cast<unsigned>(timer.config >> 9 & 31));
  }
}

void Hpet::settle(i64 now) {
  state.counter = count(now);
  since_ = now;
}

void Hpet::restart(i64 now) {
  since_ = now;
  for (unsigned i = 0; i < timers; i++) schedule(i, now);
}

}  // namespace imitation
