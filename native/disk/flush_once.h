// SPDX-License-Identifier: BSD-2-Clause
// Flushes of one medium, as few as its users allow and honest about what was lost.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

namespace tsbhyve::disk {

/// Users that ask while a flush is on its way share the next one. After a failure all later ones fail: what the host
/// could not write it has forgotten, and a second try would report success (PostgreSQL's fsync story of 2018).
class FlushOnce {
 public:
  /// `sync` writes everything out that was written before it began, and returns 0 or an errno.
  explicit FlushOnce(std::function<int()> sync);
  int flush();

 private:
  const std::function<int()> sync_;
  std::mutex lock_;
  std::condition_variable changed_;
  std::uint64_t begun_ = 0, ended_ = 0;
  bool running_ = false;
  int failure_ = 0;
};

}  // namespace tsbhyve::disk
