// SPDX-License-Identifier: BSD-2-Clause
#include "engine/pin_thread.h"

#include <pthread.h>
#if defined(__linux__)
#include <sched.h>
#else
#include <pthread_np.h>
#include <sys/cpuset.h>
#endif

#include <cerrno>
#include <string>

#include "engine/engine.h"

namespace tsbhyve {

namespace {
#if defined(__linux__)
using CpuSet = cpu_set_t;
#else
using CpuSet = cpuset_t;
#endif
}  // namespace

void pin_thread(int host_cpu) {
  CpuSet set;
  CPU_ZERO(&set);
  int error = EINVAL;
  if (host_cpu >= 0 && host_cpu < CPU_SETSIZE) {
    CPU_SET(static_cast<unsigned>(host_cpu), &set);
    error = pthread_setaffinity_np(pthread_self(), sizeof set, &set);
  }
  if (error != 0) {
    throw EngineError{error, "pthread_setaffinity_np",
                      "cannot pin a vCPU to host processor " + std::to_string(host_cpu)};
  }
}

}  // namespace tsbhyve
