// SPDX-License-Identifier: BSD-2-Clause
// A lock that goes to whoever has waited longest: vCPUs that give it up after each slice would else keep it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace imitation {

class TurnLock {
 public:
  void lock() {
    std::unique_lock guard(lock_);
    const std::uint64_t ticket = next_++;
    changed_.wait(guard, [&] { return ticket == served_; });
  }
  void unlock() {
    {
      const std::lock_guard guard(lock_);
      served_++;
    }
    changed_.notify_all();
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  std::uint64_t next_ = 0, served_ = 0;
};

}  // namespace imitation
