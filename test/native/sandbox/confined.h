// SPDX-License-Identifier: BSD-2-Clause
// Tests whose traces cannot be wiped off again: each runs in a process of its own, with threads that were there before.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "../check.h"

namespace test {

/// Threads that wait until they are told to do something: one as it comes, one with all signals blocked.
class Threads {
 public:
  Threads() {
    for (const bool blocks : {false, true}) {
      threads_.emplace_back([this, blocks] {
        sigset_t all;
        sigfillset(&all);
        if (blocks) pthread_sigmask(SIG_SETMASK, &all, nullptr);
        started_++;
        started_.notify_all();
        work_.wait(nullptr);
        (*work_.load())();
      });
    }
    for (int count = started_; count < 2; count = started_) started_.wait(count);
  }

  /// Here and in each of them, one after the other.
  void everywhere(const std::function<void()>& work) {
    work();
    std::mutex lock;
    const std::function<void()> one_by_one = [&] {
      const std::lock_guard guard(lock);
      work();
    };
    work_ = &one_by_one;
    work_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  std::atomic<int> started_ = 0;
  std::atomic<const std::function<void()>*> work_ = nullptr;
  std::vector<std::thread> threads_;
};

/// In a child, whose failures are counted here.
inline void in_child(const std::function<void()>& work) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    failures = 0;
    work();
    std::fflush(stdout);
    _exit(failures != 0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(status == 0);
}

}  // namespace test
