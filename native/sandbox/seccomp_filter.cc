// SPDX-License-Identifier: BSD-2-Clause
#include "sandbox/seccomp_filter.h"

#include <dirent.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox/allowed_calls.h"

namespace tsbhyve::sandbox {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "the sandbox does not know this machine's system calls"
#endif

/// Newer than the oldest headers that we build with.
constexpr std::uint32_t kPrSetVma = 0x53564d41;

constexpr std::uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr std::uint32_t kRefuse = SECCOMP_RET_ERRNO | EPERM;
constexpr std::uint32_t kUnknown = SECCOMP_RET_ERRNO | ENOSYS;

/// Threads share all of this; a process of its own, or one in namespaces of its own, does not.
constexpr std::uint32_t kThreadFlags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
constexpr std::uint32_t kNamespaces =
    CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWUTS;

class Program {
 public:
  std::vector<sock_filter> take() { return std::move(code_); }

  void load(std::size_t at) { add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(at)); }
  void load_call() { load(offsetof(seccomp_data, nr)); }
  /// The low half of an argument, which is all that the kernel looks at in those that are checked here.
  void load_argument(std::size_t index) { load(offsetof(seccomp_data, args) + 8 * index); }
  void give(std::uint32_t answer) { add(BPF_RET | BPF_K, answer); }
  void give_if(std::uint32_t value, std::uint32_t answer) {
    add(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    give(answer);
  }
  void give_if_not(std::uint32_t value, std::uint32_t answer) {
    add(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
    give(answer);
  }
  void give_if_any_bit(std::uint32_t bits, std::uint32_t answer) {
    add(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1);
    give(answer);
  }
  void give_if_at_least(std::uint32_t value, std::uint32_t answer) {
    add(BPF_JMP | BPF_JGE | BPF_K, value, 0, 1);
    give(answer);
  }
  void keep_bits(std::uint32_t bits) { add(BPF_ALU | BPF_AND | BPF_K, bits); }

  /// What `check` adds is for this call alone, and has to give an answer.
  template <class Check>
  void for_call(int call, Check check) {
    const std::size_t jump = code_.size();
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call));
    check();
    code_[jump].jf = static_cast<std::uint8_t>(code_.size() - jump - 1);
  }

  /// Numbers of calls from `first` to `last`, with everything below looked at already.
  void allow_range(std::uint32_t first, std::uint32_t last) {
    give_if_below(first, kRefuse);
    give_if_below(last + 1, kAllow);
  }

 private:
  void give_if_below(std::uint32_t value, std::uint32_t answer) {
    add(BPF_JMP | BPF_JGE | BPF_K, value, 1, 0);
    give(answer);
  }

  void add(int code, std::uint32_t value, std::uint8_t if_true = 0, std::uint8_t if_false = 0) {
    code_.push_back({static_cast<std::uint16_t>(code), if_true, if_false, value});
  }

  std::vector<sock_filter> code_;
};

void check_clone(Program& program) {
  program.for_call(__NR_clone, [&] {
    program.load_argument(0);
    program.give_if_any_bit(kNamespaces, kRefuse);
    program.keep_bits(kThreadFlags);
    program.give_if(kThreadFlags, kAllow);
    program.give(kRefuse);
  });
}

void check_socket(Program& program, bool internet) {
  program.for_call(__NR_socket, [&] {
    program.load_argument(0);
    program.give_if(AF_UNIX, kAllow);
    if (internet) {
      program.give_if(AF_INET, kAllow);
      program.give_if(AF_INET6, kAllow);
      program.give_if(AF_NETLINK, kAllow);  // how the C library finds out which addresses the host has
    }
    program.give(kRefuse);
  });
}

/// Typing on the terminal that started us would run what it likes outside.
void check_ioctl(Program& program) {
  program.for_call(__NR_ioctl, [&] {
    program.load_argument(1);
    program.give_if(TIOCSTI, kRefuse);
    program.give_if(TIOCLINUX, kRefuse);
    program.give(kAllow);
  });
}

void check_prctl(Program& program) {
  program.for_call(__NR_prctl, [&] {
    program.load_argument(0);
    for (const int option : {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_SET_TIMERSLACK, PR_GET_NO_NEW_PRIVS}) {
      program.give_if(static_cast<std::uint32_t>(option), kAllow);
    }
    program.give_if(kPrSetVma, kAllow);
    program.give(kRefuse);
  });
}

/// Reading limits, of ourselves: V8 and the C library ask for the size of stacks.
void check_prlimit(Program& program) {
  program.for_call(__NR_prlimit64, [&] {
    program.load_argument(2);
    program.give_if_not(0, kRefuse);
    program.load(offsetof(seccomp_data, args) + 8 * 2 + 4);
    program.give_if_not(0, kRefuse);
    program.give(kAllow);
  });
}

/// Whether a process lives may be asked of any, which is how leftovers of dead ones are found.
void check_signals(Program& program) {
  const auto self = static_cast<std::uint32_t>(getpid());
  program.for_call(__NR_kill, [&] {
    program.load_argument(0);
    program.give_if(self, kAllow);
    program.load_argument(1);
    program.give_if(0, kAllow);
    program.give(kRefuse);
  });
  program.for_call(__NR_tgkill, [&] {
    program.load_argument(0);
    program.give_if(self, kAllow);
    program.give(kRefuse);
  });
}

}  // namespace

std::vector<sock_filter> seccomp_program(bool internet, bool ring) {
  Program program;
  program.load(offsetof(seccomp_data, arch));
  program.give_if_not(kArchitecture, SECCOMP_RET_KILL_PROCESS);
  program.load_call();
#ifdef __x86_64__
  program.give_if_at_least(0x40000000, kUnknown);  // the x32 calls, which have numbers of their own
#endif
  for (const int call : unknown_calls) program.give_if(static_cast<std::uint32_t>(call), kUnknown);
  check_clone(program);
  check_socket(program, internet);
  check_ioctl(program);
  check_prctl(program);
  check_prlimit(program);
  check_signals(program);
  if (ring) program.give_if(__NR_io_uring_enter, kAllow);

  std::vector<std::uint32_t> numbers(std::begin(allowed_calls), std::end(allowed_calls));
  std::sort(numbers.begin(), numbers.end());
  for (std::size_t first = 0, end = 1; first < numbers.size(); first = end++) {
    while (end < numbers.size() && numbers[end] <= numbers[end - 1] + 1) end++;
    program.allow_range(numbers[first], numbers[end - 1]);
  }
  program.give(kUnknown);  // newer than the list: a C library that is newer too does without, as with fchmodat2
  return program.take();
}

bool has_ring() {
  const std::string folder = "/proc/self/fd/";
  DIR* open = opendir(folder.c_str());
  if (open == nullptr) return true;  // unknown
  bool found = false;
  while (const dirent* entry = readdir(open)) {
    char target[64];
    const ssize_t length = readlink((folder + entry->d_name).c_str(), target, sizeof target);
    found =
        found || (length > 0 && std::string_view(target, static_cast<std::size_t>(length)) == "anon_inode:[io_uring]");
  }
  closedir(open);
  return found;
}

int install_filter(const std::vector<sock_filter>& program) {
  sock_fprog filter{static_cast<unsigned short>(program.size()), const_cast<sock_filter*>(program.data())};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  // Guests are not kept from each other by this process's speculation, so it need not pay for more of that
  // (seccomp(2)).
  constexpr unsigned kFlags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  const long result = syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, kFlags, &filter);
  if (result > 0) return EBUSY;  // a thread with a filter that is not ours
  return result < 0 ? errno : 0;
}

}  // namespace tsbhyve::sandbox
