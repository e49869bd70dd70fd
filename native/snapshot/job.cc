// SPDX-License-Identifier: BSD-2-Clause
#include "snapshot/job.h"

#include <signal.h>

#include <chrono>
#include <exception>
#include <new>

namespace tsbhyve::snapshot {

/// Signals stay with the threads that wait for them; SIGBUS must reach this one, which reads guest memory.
void Job::start() {
  sigset_t blocked, before;
  sigfillset(&blocked);
  for (const int synchronous : {SIGBUS, SIGSEGV, SIGILL, SIGFPE}) sigdelset(&blocked, synchronous);
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Job::run() {
  std::optional<Failure> failure;
  try {
    work();
  } catch (const Failure& problem) {
    failure = problem;
  } catch (const std::bad_alloc&) {
    failure = Failure{"ENOMEM", 0, "the host has no memory for this"};
  } catch (const std::exception& problem) {
    failure = Failure{"ERR_INVALID", 0, problem.what()};
  }
  release();
  const std::lock_guard guard(lock_);
  failure_ = std::move(failure);
  ended_ = true;
  changed_.notify_all();
}

bool Job::wait(std::uint32_t milliseconds) {
  {
    std::unique_lock guard(lock_);
    if (!changed_.wait_for(guard, std::chrono::milliseconds(milliseconds), [this] { return ended_; })) return false;
  }
  if (thread_.joinable()) thread_.join();  // JavaScript may keep the job long after, and a thread is dear
  return true;
}

void Job::stop() {
  cancel();
  if (thread_.joinable()) thread_.join();
}

void Job::advance(std::uint64_t bytes) {
  done_ += bytes;
  check_cancel();
}

void Job::check_cancel() const {
  if (cancelled_) throw Failure{"ECANCELED", 0, "cancelled"};
}

}  // namespace tsbhyve::snapshot
