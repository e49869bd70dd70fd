// SPDX-License-Identifier: BSD-2-Clause
// What the register row run_state holds.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace tsbhyve {

inline constexpr std::uint64_t state_running = 0, state_halted = 1, state_wait_for_sipi = 2, state_shutdown = 3;

inline void check_run_state(std::uint64_t value) {
  if (value <= state_shutdown) return;
  throw std::invalid_argument("run_state: " + std::to_string(value) +
                              " is not one of 0 (running), 1 (halted), 2 (wait for SIPI), 3 (shutdown)");
}

}  // namespace tsbhyve
