// SPDX-License-Identifier: BSD-2-Clause
// Unmasked SSE exceptions: what MXCSR holds when the host traps.
#pragma once

#include <ucontext.h>

#include <csetjmp>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <optional>

namespace test {

inline sigjmp_buf trap_return;
inline volatile uint32_t flags_at_trap = 0;

inline void on_trap(int, siginfo_t*, void* context) {
  flags_at_trap = static_cast<ucontext_t*>(context)->uc_mcontext.fpregs->mxcsr;
  siglongjmp(trap_return, 1);
}

inline void catch_traps() {
  struct sigaction action;
  std::memset(&action, 0, sizeof action);
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGFPE, &action, nullptr);
}

// MXCSR after `operation`, with `trapped` telling how it ended.
template <class Operation>
uint32_t run_catching(Operation operation, volatile bool& trapped) {
  volatile uint32_t normal = 0;
  asm volatile("stmxcsr %0" : "=m"(normal));
  if (sigsetjmp(trap_return, 1) != 0) {
    const uint32_t restored = normal;
    asm volatile("ldmxcsr %0" : : "m"(restored));
    trapped = true;
    return flags_at_trap;
  }
  return operation();
}

}  // namespace test
