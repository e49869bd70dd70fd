// SPDX-License-Identifier: BSD-2-Clause
// Work on a snapshot's files on a thread of its own: progress to be polled, a cancel flag, one failure.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>

#include "snapshot/file.h"

namespace tsbhyve::snapshot {

class Job {
 public:
  /// Derived classes end their thread with `stop()` in their own destructor, while their members still live.
  virtual ~Job() = default;
  Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  void start();
  /// Ends the work soon, with the failure ECANCELED.
  void cancel() { cancelled_ = true; }
  /// True once the work has ended; waits for it at most so long.
  bool wait(std::uint32_t milliseconds);

  std::uint64_t done() const { return done_; }
  std::uint64_t total() const { return total_; }
  /// Only after the end.
  const std::optional<Failure>& failure() const { return failure_; }

 protected:
  virtual void work() = 0;
  /// Lets go of files and memory at the end of the work: JavaScript may keep the job long after.
  virtual void release() = 0;
  void stop();
  void expect(std::uint64_t bytes) { total_ = bytes; }
  void advance(std::uint64_t bytes);
  void check_cancel() const;

 private:
  void run();

  std::thread thread_;
  std::mutex lock_;
  std::condition_variable changed_;
  bool ended_ = false;
  std::atomic<bool> cancelled_ = false;
  std::atomic<std::uint64_t> done_ = 0, total_ = 0;
  std::optional<Failure> failure_;
};

}  // namespace tsbhyve::snapshot
