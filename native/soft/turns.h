// SPDX-License-Identifier: BSD-2-Clause
// Several vCPUs on one thread, one after the other, so that the same run can be made twice (virtual clock). A turn ends
// after a fixed number of instructions, or with a PAUSE or HLT: never because of how run() was called. VM time is
// counted in the instructions of all. An interrupt reaches its local APIC at once and its vCPU when that has its turn.
#pragma once

#include "soft/schedule.h"

namespace tsbhyve::soft {

class Turns final : public Schedule {
 public:
  explicit Turns(Processors& all) : all_(all) {}
  Exit run(u64 deadline) override;
  Exit safepoint() override;
  void reset() override { turn_ = {0, turn_length}; }
  Turn turn() const override { return turn_; }
  void set_turn(Turn turn) override { turn_ = turn; }

 private:
  SoftVcpu& current() { return *all_.vcpus[turn_.vcpu]; }
  void tell_total(u64 total);
  u64 fire_timers(u64 now);
  bool begin_turn();
  ExitKind work(SoftVcpu& vcpu, ExitKind (SoftVcpu::*step)());
  Exit halted();

  Processors& all_;
  Turn turn_{0, turn_length};
};

}  // namespace tsbhyve::soft
