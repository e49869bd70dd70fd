// SPDX-License-Identifier: BSD-2-Clause
// What reaches a vCPU from other threads: interrupt messages and the level of its INTR pin. The vCPU itself takes them
// to its local APIC, between two blocks.
#pragma once

#include <atomic>

#include "soft/types.h"

namespace tsbhyve::soft {

struct Cpu;

class Inbox {
 public:
  /// A message of this delivery mode (SDM vol. 3, 10.11.2). Any thread.
  void post(u32 delivery_mode, u8 vector, bool level);
  void set_external_interrupt(bool level);

  /// By the vCPU's thread, or while that one is parked.
  void deliver(Cpu* cpu);
  /// Messages are lost; the pin has the level that was told last.
  void clear(Cpu* cpu);

 private:
  void take_pin(Cpu* cpu);

  std::atomic<bool> waiting_ = false;
  std::atomic<u64> edge_[4] = {}, level_[4] = {};  // fixed interrupts, a bit a vector
  std::atomic<u32> sipi_ = 0;                      // vector, and bit 8 when there is one
  std::atomic<bool> nmi_ = false, init_ = false, ext_int_ = false;
  enum class Pin : u8 { Unchanged, Low, High };
  std::atomic<Pin> external_ = Pin::Unchanged;
};

}  // namespace tsbhyve::soft
