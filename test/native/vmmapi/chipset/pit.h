// SPDX-License-Identifier: BSD-2-Clause
// 8254 interval timer (Intel 231164-005) with port 61h. Not modelled: BCD, gates of counters 0 and 1.
#pragma once

#include "parts.h"

namespace imitation {

class Pit {
 public:
  bool owns(u16 port) const { return (port >= 0x40 && port <= 0x43) || port == 0x61; }
  u8 read(u16 port, i64 now);
  void write(u16 port, u8 value, i64 now);
  /// When OUT of counter 0 rises next, or `never`.
  i64 next_rise() const { return armed_ ? time_of(rise_, hz) : never; }
  /// Goes on to the rise after that.
  void risen();
  /// What vmm.ko does not do: after a restore no rise is waited for.
  void forget_rise() { armed_ = false; }

  struct Counter {
    u8 mode, access;
    bool high_next, write_high, latched, status_latched;
    u8 low, status;
    u16 latch;
    u32 initial;  // 0: none yet
    u64 start;    // ticks
  };
  struct State {
    Counter counters[3];
    u8 control;  // port 61h
  } state = {};

 private:
  static constexpr u64 hz = 1'193'182;
  u16 count(const Counter& counter, u64 now) const;
  bool output(const Counter& counter, u64 now) const;
  u8 read_counter(Counter& counter, u64 now);
  void write_counter(unsigned index, u8 value, u64 now);
  void control(u8 value, u64 now);
  void arm(u64 now);

  bool armed_ = false;
  u64 rise_ = 0;
};

}  // namespace imitation
