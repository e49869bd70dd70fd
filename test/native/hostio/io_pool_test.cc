// SPDX-License-Identifier: BSD-2-Clause
// The I/O threads: as many as needed and no more, bounded work, no signals, and an end although the host hangs.
#include "hostio/io_pool.h"

#include <signal.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "../check.h"

using test::require;
using tsbhyve::IoPool;

namespace {

/// Something that threads wait at until it is opened.
class Gate {
 public:
  void pass() {
    std::unique_lock guard(lock_);
    waiting_++;
    changed_.notify_all();
    changed_.wait(guard, [this] { return open_; });
  }
  void await(int threads) {
    std::unique_lock guard(lock_);
    changed_.wait(guard, [this, threads] { return waiting_ >= threads; });
  }
  void open() {
    const std::lock_guard guard(lock_);
    open_ = true;
    changed_.notify_all();
  }
  int waiting() {
    const std::lock_guard guard(lock_);
    return waiting_;
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

void works_on_several_at_once() {
  Gate gate;
  IoPool pool({.threads = 3, .waiting = 2});
  for (int job = 0; job < 3; job++) {
    require(pool.submit([&] { gate.pass(); }), "a thread for each");
    gate.await(job + 1);
  }
  std::atomic<int> later = 0;
  require(pool.submit([&] { later++; }) && pool.submit([&] { later++; }), "two may wait");
  require(!pool.submit([&] { later += 100; }), "a third may not");
  require(gate.waiting() == 3 && later == 0, "no fourth thread");
  gate.open();
  while (later != 2) std::this_thread::yield();
}

void does_what_comes_one_by_one() {
  IoPool pool({.threads = 4, .waiting = 8});
  std::mutex lock;
  std::vector<int> order;
  std::condition_variable changed;
  Gate gate;
  pool.submit([&] { gate.pass(); });
  gate.await(1);
  gate.open();
  for (int job = 0; job < 50; job++) {
    std::unique_lock guard(lock);
    pool.submit([&, job] {
      const std::lock_guard inner(lock);
      order.push_back(job);
      changed.notify_all();
    });
    changed.wait(guard, [&] { return order.size() == static_cast<std::size_t>(job) + 1; });
  }
}

void takes_no_signal() {
  Gate gate;
  std::atomic<bool> is_blocked = false;
  IoPool pool;
  pool.submit([&] {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    is_blocked = sigismember(&mask, SIGTERM) && sigismember(&mask, SIGUSR1) && !sigismember(&mask, SIGBUS);
    gate.pass();
  });
  gate.await(1);
  require(is_blocked, "signals of the process are for other threads, those of the thread itself are not");
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  require(!sigismember(&mask, SIGTERM), "the mask of whoever submits stays");
  gate.open();
}

void ends_with_what_waits_and_what_hangs() {
  auto gate = std::make_shared<Gate>();
  auto kept = std::make_shared<int>(0);
  {
    IoPool pool({.threads = 1, .waiting = 4});
    pool.submit([gate, kept] { gate->pass(); });
    gate->await(1);
    pool.submit([kept] { *kept = 1; });
  }
  require(*kept == 0, "what waited is dropped");
  require(kept.use_count() == 2, "what hangs keeps what it works on");
  gate->open();
  while (kept.use_count() > 1) std::this_thread::yield();
}

}  // namespace

int main() {
  works_on_several_at_once();
  does_what_comes_one_by_one();
  takes_no_signal();
  ends_with_what_waits_and_what_hangs();
}
