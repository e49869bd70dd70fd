// SPDX-License-Identifier: BSD-2-Clause
/**
 * By a signal, as the C library's setuid does it (nptl(7)), and with its signal: SIGSETXID is the one that the
 * library's own functions never block, whatever set they are given, so that it reaches threads that have all others
 * blocked.
 */
#include "sandbox/every_thread.h"

#include <dirent.h>
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <set>
#include <vector>

namespace tsbhyve::sandbox {
namespace {

constexpr int kSetxid = 33;  // the second of the two that SIGRTMIN leaves to the library
constexpr int kSeconds = 10;
constexpr long kLookMs = 20;

/// As the kernel has it; the library's sigaction refuses that signal.
struct KernelAction {
  void* handler;
  unsigned long flags;
  void* restorer;
  unsigned long mask;
};

ThreadWork current = nullptr;
int given = 0;
volatile int failure = 0;
sem_t done;

void handle(int) {
  const int before = errno;
  if (const int error = current(given)) failure = error;
  sem_post(&done);
  errno = before;
}

long kernel_sigaction(int signal, const KernelAction* action, KernelAction* before) {
  return syscall(SYS_rt_sigaction, signal, action, before, sizeof(unsigned long));
}

/// Takes the signal over for as long as it lives.
class Handler {
 public:
  Handler() {
    // What returns from a handler is the library's secret: it is asked to install ours for some other signal first.
    struct sigaction action {
    }, other{};
    action.sa_handler = handle;
    action.sa_flags = SA_ONSTACK | SA_RESTART;
    sigfillset(&action.sa_mask);
    KernelAction ours;
    ready_ = sigaction(SIGRTMAX, &action, &other) == 0 && kernel_sigaction(SIGRTMAX, nullptr, &ours) == 0 &&
             sigaction(SIGRTMAX, &other, nullptr) == 0 && kernel_sigaction(kSetxid, &ours, &before_) == 0;
  }
  ~Handler() {
    if (ready_) kernel_sigaction(kSetxid, &before_, nullptr);
  }
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  bool ready() const { return ready_; }

 private:
  KernelAction before_;
  bool ready_;
};

std::vector<pid_t> threads() {
  std::vector<pid_t> found;
  DIR* folder = opendir("/proc/self/task");
  if (folder == nullptr) return found;
  while (const dirent* entry = readdir(folder)) {
    if (const int id = atoi(entry->d_name)) found.push_back(id);
  }
  closedir(folder);
  return found;
}

timespec after(long milliseconds) {
  timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  time.tv_nsec += milliseconds * 1'000'000;
  time.tv_sec += time.tv_nsec / 1'000'000'000;
  time.tv_nsec %= 1'000'000'000;
  return time;
}

/// 0, ETIMEDOUT or another errno.
int wait_done(long milliseconds) {
  const timespec end = after(milliseconds);
  while (sem_timedwait(&done, &end) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

int run_in(pid_t thread) {
  if (syscall(SYS_tgkill, getpid(), thread, kSetxid) != 0) return errno == ESRCH ? 0 : errno;
  for (long waited = 0; waited < kSeconds * 1000; waited += kLookMs) {
    const int error = wait_done(kLookMs);
    if (error != ETIMEDOUT) return error == 0 ? failure : error;
    if (syscall(SYS_tgkill, getpid(), thread, 0) != 0) {
      sem_trywait(&done);  // it has ended, perhaps with the work done
      return failure;
    }
  }
  return ETIMEDOUT;
}

}  // namespace

int in_every_thread(ThreadWork work, int argument) {
  if (const int error = work(argument)) return error;
  current = work;
  given = argument;
  failure = 0;
  const Handler handler;
  if (!handler.ready() || sem_init(&done, 0, 0) != 0) return errno;
  std::set<pid_t> reached = {static_cast<pid_t>(syscall(SYS_gettid))};
  // Until nobody new is found twice: a list is not taken in one instant.
  for (int quiet = 0; quiet < 2; quiet++) {
    const std::vector<pid_t> all = threads();
    if (all.empty()) return ENOENT;
    for (const pid_t thread : all) {
      if (!reached.insert(thread).second) continue;
      quiet = -1;
      if (const int error = run_in(thread)) return error;
    }
  }
  return 0;
}

}  // namespace tsbhyve::sandbox
