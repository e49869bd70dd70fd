// SPDX-License-Identifier: BSD-2-Clause
// Threads that wait for the host in place of the machine's thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace tsbhyve {

/// A job must keep alive what it works on: it may outlive the pool when the host does not finish it.
using IoJob = std::function<void()>;

struct IoPoolLimits {
  std::size_t threads = 4;
  /// Jobs that wait for a thread.
  std::size_t waiting = 1024;
};

class IoPool {
 public:
  explicit IoPool(IoPoolLimits limits = {});
  /// Drops jobs that wait, and leaves those alone that the host has not finished within a moment.
  ~IoPool();
  IoPool(const IoPool&) = delete;
  IoPool& operator=(const IoPool&) = delete;

  /// Threads are made when jobs find none idle. False if too many jobs wait, or if there is no thread for the first
  /// one.
  bool submit(IoJob job);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace tsbhyve
