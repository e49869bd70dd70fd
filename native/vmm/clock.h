// SPDX-License-Identifier: BSD-2-Clause
// VM time: the host's monotonic clock, moved and held.
#pragma once

#include <cstdint>

#include "vmm/kick.h"

namespace tsbhyve::vmm {

/// The kernel's own timers and the TSC do not stand still while it is held. A new one is held at 0.
class Clock {
 public:
  std::int64_t time() const { return held_ ? base_ : host_now() + base_; }
  void set_time(std::int64_t nanoseconds) { base_ = held_ ? nanoseconds : nanoseconds - host_now(); }
  bool held() const { return held_; }
  void hold(bool held) {
    if (held == held_) return;
    base_ += held ? host_now() : -host_now();
    held_ = held;
  }

 private:
  bool held_ = true;
  std::int64_t base_ = 0;
};

}  // namespace tsbhyve::vmm
