// SPDX-License-Identifier: BSD-2-Clause
// Getting a vCPU out of KVM_RUN: for wake() from any thread, and when a time has come.
#pragma once

#include <pthread.h>
#include <time.h>

#include <atomic>
#include <mutex>

#include "kvm/kvm_device.h"

namespace tsbhyve::kvm {

/// One real-time signal that the running thread keeps blocked and that only KVM_RUN lets through (KVM_SET_SIGNAL_MASK),
/// so no handler exists and none runs: the signal ends KVM_RUN with EINTR and is then taken off the queue. Two things
/// send it: wake(), by tgkill, and a POSIX timer of the running thread, because a halted guest sleeps inside KVM_RUN
/// and nothing else would end it at a deadline. immediate_exit closes the gap before KVM_RUN is entered.
class Kick {
 public:
  explicit Kick(const Vcpu& vcpu) : vcpu_(vcpu) {}
  ~Kick();
  Kick(const Kick&) = delete;
  Kick& operator=(const Kick&) = delete;

  /// Makes the calling thread the one that runs the vCPU.
  void bind();
  /// Another thread is that one: here KVM_RUN would make the kernel wait for all its readers of who it is.
  bool bound_elsewhere() const { return bound_ && !pthread_equal(thread_, pthread_self()); }
  /// Ends KVM_RUN at `host_time` (CLOCK_MONOTONIC, ns) or a little before. At most one system call per expiry.
  void arm(std::int64_t host_time, std::int64_t now);
  /// KVM_RUN: true on an exit, false when something ended it first.
  bool enter();
  /// Lets KVM_RUN finish the pending instruction and not start another: true when that needs an exit of its own.
  bool finish();
  void wake();
  /// Whether wake() was called since the last time.
  bool take_wake();

 private:
  bool run_vcpu();
  void set_immediate_exit(bool value);
  void drain();

  const Vcpu& vcpu_;
  std::atomic<bool> woken_ = false;
  std::mutex mutex_;   // guards running_
  pid_t running_ = 0;  // thread inside KVM_RUN
  bool bound_ = false;
  pthread_t thread_{};
  pid_t thread_id_ = 0;
  timer_t timer_{};
  std::int64_t armed_ = 0;  // 0: not armed
};

}  // namespace tsbhyve::kvm
