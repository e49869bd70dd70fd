// SPDX-License-Identifier: BSD-2-Clause
// The imitated kernel's chipset: which chip answers where, and its wires.
#pragma once

#include "chipset/hpet.h"
#include "chipset/ioapic.h"
#include "chipset/pic.h"
#include "chipset/pit.h"
#include "chipset/rtc.h"
#include "cores.h"

namespace imitation {

class Chips {
 public:
  explicit Chips(Cores& cores);

  /// False: the port, or the address, is none of the kernel's.
  bool port(bool write, u16 port, unsigned width, u64& value, i64 now);
  bool memory(bool write, u64 address, unsigned width, u64& value, i64 now);
  i64 next_deadline() const;
  /// Fires what is due.
  void advance(i64 now);

  void change_pic(int irq, int by);
  void change_ioapic(int pin, int by);
  u8 acknowledge();

  Pic pic;
  IoApic ioapic;
  Pit pit;
  Hpet hpet;
  Rtc rtc;
  u32 pm_timer_base = 0;
  i64 pm_timer_ahead = 0;  // it counts since the VM was made, the other clocks since it has memory

 private:
  void pulse_isa(int irq, int pin);

  Cores& cores_;
};

}  // namespace imitation
