// SPDX-License-Identifier: BSD-2-Clause
#include "pit.h"

namespace imitation {

namespace {
bool is_periodic(u8 mode) { return mode == 2 || mode == 3; }
}  // namespace

u16 Pit::count(const Counter& counter, u64 now) const {
  if (counter.initial == 0) return 0;
  const u64 passed = now - counter.start;
  if (counter.mode == 2) return static_cast<u16>(counter.initial - passed % counter.initial);
  if (counter.mode == 3) return static_cast<u16>(counter.initial - 2 * passed % counter.initial);
  return static_cast<u16>(counter.initial - passed);
}

bool Pit::output(const Counter& counter, u64 now) const {
  if (counter.initial == 0) return counter.mode != 0;
  const u64 passed = now - counter.start;
  switch (counter.mode) {
    case 2: return passed % counter.initial != counter.initial - 1;
    case 3: return passed % counter.initial < (counter.initial + 1) / 2;
    case 4: return passed != counter.initial;
    default: return passed >= counter.initial;
  }
}

u8 Pit::read(u16 port, i64 now) {
  const u64 ticks = ticks_at(now, hz);
  if (port == 0x61) {
    const bool refresh = now / 15'085 & 1;
    return static_cast<u8>((state.control & 15) | (refresh ? 0x10 : 0) | (output(state.counters[2], ticks) ? 0x20 : 0));
  }
  return port == 0x43 ? 0xff : read_counter(state.counters[port - 0x40], ticks);
}

u8 Pit::read_counter(Counter& counter, u64 now) {
  if (counter.status_latched) {
    counter.status_latched = false;
    return counter.status;
  }
  const u16 value = counter.latched ? counter.latch : count(counter, now);
  const bool high = counter.access == 2 || (counter.access == 3 && counter.high_next);
  counter.high_next = counter.access == 3 && !high;
  if (!counter.high_next) counter.latched = false;
  return static_cast<u8>(high ? value >> 8 : value);
}

void Pit::write(u16 port, u8 value, i64 now) {
  const u64 ticks = ticks_at(now, hz);
  if (port == 0x61) {
    Counter& speaker = state.counters[2];
    if (value & ~state.control & 1) speaker.start = ticks;  // the gate rises: the count begins
    state.control = value & 15;
  } else if (port == 0x43) {
    control(value, ticks);
  } else {
    write_counter(port - 0x40u, value, ticks);
  }
}

void Pit::control(u8 value, u64 now) {
  if (value >> 6 == 3) {  // read-back
    for (unsigned i = 0; i < 3; i++) {
      Counter& counter = state.counters[i];
      if (!(value & 2 << i)) continue;
      if (!(value & 0x20) && !counter.latched) {
        counter.latch = count(counter, now);
        counter.latched = true;
      }
      if (!(value & 0x10) && !counter.status_latched) {
        counter.status = static_cast<u8>((output(counter, now) ? 0x80 : 0) | counter.access << 4 | counter.mode << 1);
        counter.status_latched = true;
      }
    }
    return;
  }
  Counter& counter = state.counters[value >> 6];
  if ((value >> 4 & 3) == 0) {
    if (!counter.latched) counter.latch = count(counter, now);
    counter.latched = true;
    return;
  }
  const u8 mode = value >> 1 & 7;
  counter = {};
  counter.mode = static_cast<u8>(mode > 5 ? mode - 4 : mode);
  counter.access = value >> 4 & 3;
  if (&counter == state.counters) armed_ = false;
}

void Pit::write_counter(unsigned index, u8 value, u64 now) {
  Counter& counter = state.counters[index];
  if (counter.access == 3 && !counter.write_high) {
    counter.low = value;
    counter.write_high = true;
    return;
  }
  const u32 written = counter.access == 2   ? u32{value} << 8
                      : counter.access == 1 ? value
                                            : u32{value} << 8 | counter.low;
  counter.write_high = false;
  counter.initial = written == 0 ? 0x10000 : written;
  counter.start = now;
  if (index == 0) arm(now);
}

void Pit::arm(u64 now) {
  const Counter& counter = state.counters[0];
  armed_ = true;
  rise_ = now + counter.initial;
}

void Pit::risen() {
  const Counter& counter = state.counters[0];
  armed_ = is_periodic(counter.mode);
  rise_ += counter.initial;
}

}  // namespace imitation
