// SPDX-License-Identifier: BSD-2-Clause
// MC146818 clock and CMOS memory. Not modelled: the periodic interrupt; the alarm looks at hours, minutes and seconds.
#pragma once

#include "parts.h"

namespace imitation {

class Rtc {
 public:
  Rtc();
  bool owns(u16 port) const { return port == 0x70 || port == 0x71; }
  u8 read(u16 port, i64 now);
  void write(u16 port, u8 value, i64 now);
  i64 seconds(i64 now) const { return state.base + (now - since_) / second; }
  void set_seconds(i64 seconds, i64 now);
  /// When the clock shows the next second, if anybody wants to hear of it.
  i64 next_update() const;
  /// True if it interrupts.
  bool advance(i64 now);
  void restart(i64 now) { since_ = now; }

  struct State {
    i64 base;
    u8 index, memory[128];
  } state = {};

 private:
  u8 clock_byte(u8 index, i64 now) const;
  u8 coded(int value) const;

  i64 since_ = 0, told_ = 0;
};

}  // namespace imitation
