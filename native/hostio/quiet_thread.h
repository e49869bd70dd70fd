// SPDX-License-Identifier: BSD-2-Clause
// Threads that no signal of the process is delivered to.
#pragma once

#include <functional>
#include <thread>

namespace tsbhyve {

/// Signals stay with the threads that wait for them; what the thread itself causes, a SIGBUS of guest memory for one,
/// must still reach it.
std::thread start_quiet_thread(std::function<void()> work);

}  // namespace tsbhyve
