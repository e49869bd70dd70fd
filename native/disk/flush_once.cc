// SPDX-License-Identifier: BSD-2-Clause
#include "disk/flush_once.h"

#include <utility>

namespace tsbhyve::disk {

FlushOnce::FlushOnce(std::function<int()> sync) : sync_(std::move(sync)) {}

int FlushOnce::flush() {
  std::unique_lock guard(lock_);
  const std::uint64_t wanted = begun_ + 1;  // one that is on its way may have begun too early
  while (ended_ < wanted) {
    if (failure_) return failure_;
    if (running_) {
      changed_.wait(guard);
      continue;
    }
    running_ = true;
    begun_++;
    guard.unlock();
    const int result = sync_();
    guard.lock();
    running_ = false;
    ended_ = begun_;
    if (result) failure_ = result;
    changed_.notify_all();
  }
  return failure_;
}

}  // namespace tsbhyve::disk
