// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_kick.h"

#include <signal.h>
#include <unistd.h>

#include <cstring>

#include "kvm/kvm_abi.h"

namespace tsbhyve::kvm {

namespace {

int kick_signal() { return SIGRTMIN + 6; }

sigset_t kick_set() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, kick_signal());
  return set;
}

}  // namespace

Kick::~Kick() {
  if (bound_) timer_delete(timer_);
}

void Kick::bind() {
  if (bound_ && pthread_equal(thread_, pthread_self())) return;
  if (bound_) timer_delete(timer_);
  bound_ = false;
  thread_ = pthread_self();
  thread_id_ = gettid();
  armed_ = 0;

  const sigset_t kick = kick_set();
  sigset_t mask;
  if (const int error = pthread_sigmask(SIG_BLOCK, &kick, &mask)) throw EngineError{error, "pthread_sigmask", ""};
  sigdelset(&mask, kick_signal());
  SignalMask request;
  request.head.count = sizeof request.entries;
  std::memcpy(request.entries, &mask, sizeof request.entries);
  call(vcpu_.fd(), set_signal_mask, "KVM_SET_SIGNAL_MASK", &request);

  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = kick_signal();
  event._sigev_un._tid = thread_id_;
  if (timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0) throw EngineError{errno, "timer_create", ""};
  bound_ = true;
}

void Kick::arm(std::int64_t host_time, std::int64_t now) {
  if (armed_ > now && armed_ <= host_time) return;
  itimerspec when{};
  when.it_value.tv_sec = host_time / 1'000'000'000;
  when.it_value.tv_nsec = host_time % 1'000'000'000;
  if (timer_settime(timer_, TIMER_ABSTIME, &when, nullptr) != 0) throw EngineError{errno, "timer_settime", ""};
  armed_ = host_time;
}

void Kick::set_immediate_exit(bool value) { std::atomic_ref(vcpu_.run().immediate_exit).store(value); }

bool Kick::run_vcpu() {
  if (ioctl(vcpu_.fd(), KVM_RUN, 0) == 0) return true;
  if (errno == EINTR || errno == EAGAIN) return false;
  throw EngineError{errno, "KVM_RUN", ""};
}

bool Kick::enter() {
  {
    const std::lock_guard lock(mutex_);
    running_ = thread_id_;
  }
  struct Leave {
    Kick* kick;
    ~Leave() {
      const std::lock_guard lock(kick->mutex_);
      kick->running_ = 0;
    }
  };
  bool exited;
  {
    const Leave leave{this};
    exited = run_vcpu();
  }
  if (!exited) drain();
  return exited;
}

bool Kick::finish() {
  struct Restore {
    Kick* kick;
    // A wake() of this moment is not lost: take_wake() looks at its own flag.
    ~Restore() { kick->set_immediate_exit(false); }
  };
  set_immediate_exit(true);
  const Restore restore{this};
  return run_vcpu();
}

void Kick::drain() {
  const sigset_t kick = kick_set();
  const timespec at_once{};
  while (sigtimedwait(&kick, nullptr, &at_once) > 0) armed_ = 0;
}

void Kick::wake() {
  woken_.store(true);
  set_immediate_exit(true);
  const std::lock_guard lock(mutex_);
  if (running_ != 0) tgkill(getpid(), running_, kick_signal());
}

bool Kick::take_wake() {
  set_immediate_exit(false);
  return woken_.exchange(false);
}

}  // namespace tsbhyve::kvm
