// SPDX-License-Identifier: BSD-2-Clause
// HPET of vmm.ko (IA-PC HPET 1.0a): a 32-bit counter of 2^24 Hz and eight timers, by pins 24 to 31 or by message.
#pragma once

#include "parts.h"

namespace imitation {

class Hpet {
 public:
  static constexpr unsigned timers = 8;
  using Pulse = std::function<void(unsigned pin)>;
  Hpet(Pulse pulse, SendMessage send) : pulse_(std::move(pulse)), send_(std::move(send)) {}

  u32 read(u64 offset, i64 now) const;
  void write(u64 offset, u32 value, i64 now);
  i64 next_match() const;
  /// Interrupts for all matches up to now; several of one timer are one.
  void advance(i64 now);
  /// The counter goes on from its saved value at `now`.
  void restart(i64 now);
  /// Its present value, for a save.
  void settle(i64 now);

  struct Timer {
    u64 config, message;
    u32 comparator, period;
  };
  struct State {
    u32 config, status, counter;
    Timer timer[timers];
  } state = {};

 private:
  static constexpr u64 hz = 16'777'216;
  bool enabled() const { return state.config & 1; }
  u32 count(i64 now) const;
  void schedule(unsigned index, i64 now);

  Pulse pulse_;
  SendMessage send_;
  i64 since_ = 0;
  i64 due_[timers] = {never, never, never, never, never, never, never, never};
};

}  // namespace imitation
