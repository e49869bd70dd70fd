// SPDX-License-Identifier: BSD-2-Clause
// One vCPU, on the thread that calls run().
#pragma once

#include "soft/schedule.h"

namespace tsbhyve::soft {

class Alone final : public Schedule {
 public:
  explicit Alone(Processors& all) : all_(all), vcpu_(*all.vcpus.front()) {}
  Exit run(u64 deadline) override;
  Exit safepoint() override;

 private:
  Processors& all_;
  SoftVcpu& vcpu_;
};

}  // namespace tsbhyve::soft
