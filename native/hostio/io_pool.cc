// SPDX-License-Identifier: BSD-2-Clause
#include "hostio/io_pool.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "hostio/quiet_thread.h"

namespace tsbhyve {

namespace {

/// Whoever closes a disk has waited for its requests before; this is for their last steps.
constexpr std::chrono::seconds patience(1);

}  // namespace

/// Kept by every thread, so that one which hangs in the host may be left behind.
struct IoPool::Shared {
  explicit Shared(IoPoolLimits given) : limits(given) {}

  void work() {
    std::unique_lock guard(lock);
    for (;;) {
      idle++;
      changed.wait(guard, [this] { return stopping || !jobs.empty(); });
      idle--;
      if (stopping) return;
      IoJob job = std::move(jobs.front());
      jobs.pop_front();
      active++;
      guard.unlock();
      job();
      job = nullptr;  // what it kept alive goes before it counts as done
      guard.lock();
      active--;
      if (stopping) changed.notify_all();
    }
  }

  const IoPoolLimits limits;
  std::mutex lock;
  std::condition_variable changed;
  std::deque<IoJob> jobs;
  std::vector<std::thread> threads;
  std::size_t idle = 0, active = 0;
  bool stopping = false;
};

IoPool::IoPool(IoPoolLimits limits) : shared_(std::make_shared<Shared>(limits)) {}

IoPool::~IoPool() {
  std::unique_lock guard(shared_->lock);
  shared_->stopping = true;
  const std::deque<IoJob> dropped = std::move(shared_->jobs);
  shared_->changed.notify_all();
  const bool all_done = shared_->changed.wait_for(guard, patience, [this] { return shared_->active == 0; });
  std::vector<std::thread> threads = std::move(shared_->threads);
  guard.unlock();
  for (std::thread& thread : threads) {
    if (all_done) {
      thread.join();
    } else {
      thread.detach();
    }
  }
}

bool IoPool::submit(IoJob job) {
  Shared& shared = *shared_;
  {
    const std::lock_guard guard(shared.lock);
    if (shared.jobs.size() >= shared.limits.waiting) return false;
    if (shared.jobs.size() >= shared.idle && shared.threads.size() < shared.limits.threads) {
      try {
        shared.threads.reserve(shared.limits.threads);
        shared.threads.push_back(start_quiet_thread([kept = shared_] { kept->work(); }));
      } catch (const std::system_error&) {
        if (shared.threads.empty()) return false;  // the host has no thread left: those that are there have to do
      }
    }
    shared.jobs.push_back(std::move(job));
  }
  // Under the lock it would wake a thread that has to sleep again at once.
  shared.changed.notify_one();
  return true;
}

}  // namespace tsbhyve
