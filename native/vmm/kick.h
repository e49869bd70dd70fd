// SPDX-License-Identifier: BSD-2-Clause
// The way out of vm_run(): a guest that halts sleeps in the kernel, and only this ends it in time.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "vmm/library.h"

namespace tsbhyve::vmm {

/// vm_suspend_cpu() makes vm_run() return with VM_EXITCODE_DEBUG, at once or when it is entered next, until
/// vm_resume_cpu(). Any thread may call it: wake() does, and a thread of this object at the time that was asked for.
class Kick {
 public:
  Kick(const Library& library, vcpu* processor);
  ~Kick();
  Kick(const Kick&) = delete;
  Kick& operator=(const Kick&) = delete;

  /// Between these two vm_run() ends at `host_time` (CLOCK_MONOTONIC, ns) or soon after.
  void enter(std::int64_t host_time);
  void leave();

  void wake();
  /// Ends the present stay, or the next.
  void nudge();
  /// Ends the present stay, if there is one.
  void end_stay();
  /// Whether wake() was called since the last time.
  bool take_wake() { return woken_.exchange(false); }

 private:
  void work();
  void stop_vcpu();

  const Library& library_;
  vcpu* vcpu_;
  std::atomic<bool> woken_ = false;
  std::mutex lock_;
  std::condition_variable changed_;
  bool inside_ = false, nudged_ = false, stopped_ = false, ends_ = false;
  std::int64_t at_ = 0;
  std::thread timer_;
};

/// CLOCK_MONOTONIC in nanoseconds.
std::int64_t host_now();

}  // namespace tsbhyve::vmm
