// SPDX-License-Identifier: BSD-2-Clause
#include "snapshot/job.h"

#include <chrono>
#include <exception>
#include <new>

#include "hostio/quiet_thread.h"

namespace tsbhyve::snapshot {

void Job::start() {
  thread_ = start_quiet_thread([this] { run(); });
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
