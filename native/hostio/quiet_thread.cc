// SPDX-License-Identifier: BSD-2-Clause
#include "hostio/quiet_thread.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

namespace tsbhyve {

/// A thread begins with the mask of the one that makes it.
std::thread start_quiet_thread(std::function<void()> work) {
  sigset_t blocked, before;
  sigfillset(&blocked);
  for (const int synchronous : {SIGBUS, SIGSEGV, SIGILL, SIGFPE}) sigdelset(&blocked, synchronous);
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  try {
    std::thread thread(std::move(work));
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
}

}  // namespace tsbhyve
