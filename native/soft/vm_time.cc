// SPDX-License-Identifier: BSD-2-Clause
#include "soft/vm_time.h"

#include <time.h>

namespace tsbhyve::soft {

u64 VmTime::host_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<u64>(now.tv_sec) * 1'000'000'000 + static_cast<u64>(now.tv_nsec);
}

}  // namespace tsbhyve::soft
