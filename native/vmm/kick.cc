// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/kick.h"

#include <time.h>

#include <chrono>

#include "hostio/quiet_thread.h"

namespace tsbhyve::vmm {

std::int64_t host_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

Kick::Kick(const Library& library, vcpu* processor)
    : library_(library), vcpu_(processor), timer_(start_quiet_thread([this] { work(); })) {}

Kick::~Kick() {
  {
    const std::lock_guard guard(lock_);
    ends_ = true;
  }
  changed_.notify_all();
  timer_.join();
}

/// Under the lock. It fails only for a vCPU that was never activated.
void Kick::stop_vcpu() {
  if (!inside_ || stopped_) return;
  library_.vm_suspend_cpu(vcpu_);
  stopped_ = true;
}

void Kick::enter(std::int64_t host_time) {
  const std::lock_guard guard(lock_);
  inside_ = true;
  if (woken_ || nudged_) stop_vcpu();
  // The timer looks again by itself when it wakes too early: it is told only of an earlier time.
  const bool earlier = at_ == 0 || host_time < at_;
  at_ = host_time;
  if (earlier) changed_.notify_all();
}

void Kick::leave() {
  const std::lock_guard guard(lock_);
  inside_ = nudged_ = false;
  if (!stopped_) return;
  stopped_ = false;
  at_ = 0;
  library_.vm_resume_cpu(vcpu_);
}

void Kick::wake() {
  woken_ = true;
  const std::lock_guard guard(lock_);
  stop_vcpu();
}

void Kick::nudge() {
  const std::lock_guard guard(lock_);
  nudged_ = true;
  stop_vcpu();
}

void Kick::end_stay() {
  const std::lock_guard guard(lock_);
  stop_vcpu();
}

void Kick::work() {
  std::unique_lock guard(lock_);
  while (!ends_) {
    if (at_ == 0) {
      changed_.wait(guard);
      continue;
    }
    const std::int64_t left = at_ - host_now();
    if (left > 0) {
      changed_.wait_for(guard, std::chrono::nanoseconds(left));
      continue;
    }
    stop_vcpu();
    at_ = 0;
  }
}

}  // namespace tsbhyve::vmm
