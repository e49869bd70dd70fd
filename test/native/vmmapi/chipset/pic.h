// SPDX-License-Identifier: BSD-2-Clause
// The pair of 8259A interrupt controllers (Intel 231468-003). Not modelled: rotation, special masks, the poll command.
#pragma once

#include "parts.h"

namespace imitation {

class Pic {
 public:
  struct Chip {
    u8 request, service, mask, base, elcr, level, step;
    bool needs_icw4, auto_eoi, reads_service;
    int asserted[8];  // as the kernel counts them: several sources hold one line
  };

  bool owns(u16 port) const;
  u8 read(u16 port) const;
  void write(u16 port, u8 value);
  void change(unsigned irq, int by);
  /// INT of the master.
  bool interrupts() const { return pending(chips[0]) >= 0; }
  u8 acknowledge();

  Chip chips[2] = {};

 private:
  static int pending(const Chip& chip);
  void set(unsigned irq, bool level);
  void command(Chip& chip, u8 value);
  void data(Chip& chip, u8 value);
  void settle();
};

}  // namespace imitation
