// SPDX-License-Identifier: BSD-2-Clause
// I/O APIC with the 32 pins of vmm.ko (Intel 82093AA data sheet).
#pragma once

#include "parts.h"

namespace imitation {

class IoApic {
 public:
  static constexpr unsigned pins = 32;
  explicit IoApic(SendMessage send) : send_(std::move(send)) { reset(); }

  void reset();
  u32 read(u64 offset) const;
  void write(u64 offset, u32 value);
  /// One source more or less holds the pin.
  void change(unsigned pin, int by);
  void end_of_interrupt(u8 vector);

  struct State {
    u32 select;
    u64 entry[pins];
    int asserted[pins];
  } state = {};

 private:
  void deliver(unsigned pin);
  void look(unsigned pin);

  SendMessage send_;
};

}  // namespace imitation
