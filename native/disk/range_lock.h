// SPDX-License-Identifier: BSD-2-Clause
// Threads that must not work on the same blocks at once.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>

namespace tsbhyve::disk {

class RangeLocks {
 public:
  /// Holds the blocks from `first` to `last` while it lives.
  class Hold {
   public:
    Hold(RangeLocks& locks, std::uint64_t first, std::uint64_t last) : locks_(locks) {
      std::unique_lock guard(locks.mutex_);
      locks.changed_.wait(guard, [&] { return locks.is_free(first, last); });
      range_ = locks.held_.insert(locks.held_.end(), {first, last});
    }
    ~Hold() {
      {
        const std::lock_guard guard(locks_.mutex_);
        locks_.held_.erase(range_);
      }
      locks_.changed_.notify_all();
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    RangeLocks& locks_;
    std::list<std::pair<std::uint64_t, std::uint64_t>>::iterator range_;
  };

 private:
  bool is_free(std::uint64_t first, std::uint64_t last) const {
    return std::none_of(held_.begin(), held_.end(),
                        [&](const auto& range) { return range.first <= last && first <= range.second; });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<std::pair<std::uint64_t, std::uint64_t>> held_;
};

}  // namespace tsbhyve::disk
