// SPDX-License-Identifier: BSD-2-Clause
// A soft vCPU on a thread of its own, as the crew drives it.
#pragma once

#include <functional>

#include "engine/crew.h"
#include "soft/schedule.h"
#include "soft/threads/threaded_cpu.h"

namespace tsbhyve::soft {

class SoftMember final : public CrewMember {
 public:
  SoftMember(SoftVcpu& vcpu, CodePages& pages, const Doorbells& doorbells, unsigned index, std::function<void()> rouse);
  ~SoftMember() override;

  CrewStop run() override;
  CrewStop run_alone() override;
  void kick() override { threaded_.stop(); }
  CrewClock::time_point idle_until() const override { return idle_until_; }

 private:
  CrewStop run_slice();
  CrewStop stopped(ExitKind kind);
  CrewStop ask(ExitKind kind);
  CrewStop rest();

  SoftVcpu& vcpu_;
  const Doorbells& doorbells_;
  ThreadedCpu threaded_;
  CrewClock::time_point idle_until_ = CrewClock::time_point::max();
};

}  // namespace tsbhyve::soft
