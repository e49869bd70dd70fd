// SPDX-License-Identifier: BSD-2-Clause
#include "rtc.h"

#include <time.h>

namespace imitation {

namespace {
constexpr u8 a = 10, b = 11, c = 12, d = 13, century = 0x32;
constexpr u8 b_24_hours = 2, b_binary = 4, update = 0x10, alarm = 0x20, interrupting = 0x80;
bool is_clock(u8 index) { return index <= 9 || index == century; }
bool is_alarm(u8 index) { return index == 1 || index == 3 || index == 5; }
}  // namespace

Rtc::Rtc() {
  state.memory[a] = 0x26;
  state.memory[b] = b_24_hours;
}

u8 Rtc::coded(int value) const {
  if (state.memory[b] & b_binary) return static_cast<u8>(value);
  return static_cast<u8>(value / 10 % 10 << 4 | value % 10);
}

u8 Rtc::clock_byte(u8 index, i64 now) const {
  const time_t time = seconds(now);
  tm date{};
  gmtime_r(&time, &date);
  switch (index) {
    case 0: return coded(date.tm_sec);
    case 2: return coded(date.tm_min);
    case 4: {
      if (state.memory[b] & b_24_hours) return coded(date.tm_hour);
      return static_cast<u8>(coded((date.tm_hour + 11) % 12 + 1) | (date.tm_hour >= 12 ? 0x80 : 0));
    }
    case 6: return coded(date.tm_wday + 1);
    case 7: return coded(date.tm_mday);
    case 8: return coded(date.tm_mon + 1);
    case 9: return coded(date.tm_year % 100);
    default: return coded(date.tm_year / 100 + 19);
  }
}

u8 Rtc::read(u16 port, i64 now) {
  if (port == 0x70) return 0xff;
  const u8 index = state.index & 0x7f;
  if (index == c) {
    const u8 flags = state.memory[c];
    state.memory[c] = 0;
    return flags;
  }
  if (index == d) return 0x80;
  if (is_clock(index) && !is_alarm(index)) return clock_byte(index, now);
  return state.memory[index];
}

/// Setting the time is done from outside only: guests of the tests do not.
void Rtc::write(u16 port, u8 value, i64 now) {
  if (port == 0x70) {
    state.index = value;
    return;
  }
  const u8 index = state.index & 0x7f;
  if (index == c || index == d || (is_clock(index) && !is_alarm(index))) return;
  state.memory[index] = index == a ? value & 0x7f : value;
  if (index == b) told_ = seconds(now);
}

void Rtc::set_seconds(i64 seconds, i64 now) {
  state.base = seconds;
  since_ = now;
  told_ = seconds;
}

i64 Rtc::next_update() const {
  if (!(state.memory[b] & (update | alarm))) return never;
  return since_ + (told_ + 1 - state.base) * second;
}

bool Rtc::advance(i64 now) {
  if (now < next_update()) return false;
  told_ = seconds(now);
  u8 flags = update;
  bool matches = true;
  for (const u8 index : {u8{1}, u8{3}, u8{5}}) {
    const u8 wanted = state.memory[index];
    matches = matches && (wanted >= 0xc0 || wanted == clock_byte(static_cast<u8>(index - 1), now));
  }
  if (matches) flags |= alarm;
  state.memory[c] |= flags;
  if (!(state.memory[c] & state.memory[b] & (update | alarm))) return false;
  state.memory[c] |= interrupting;
  return true;
}

}  // namespace imitation
