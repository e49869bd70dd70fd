// SPDX-License-Identifier: BSD-2-Clause
// A turn of a loop that waits for another thread.
#pragma once

#include <thread>

namespace tsbhyve {

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

}  // namespace tsbhyve
