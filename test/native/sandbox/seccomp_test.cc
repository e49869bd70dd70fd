// SPDX-License-Identifier: BSD-2-Clause
// What a filtered process may not do, on all its threads, and what it still can.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <fstream>
#include <mutex>
#include <string>

#include "confined.h"
#include "sandbox/seccomp_filter.h"

namespace {

using tsbhyve::sandbox::install_filter, tsbhyve::sandbox::seccomp_program;

struct Refused {
  const char* name;
  long number;
  long first = 0, second = 0, third = 0;
  int error = EPERM;
};

/// With arguments that would do no harm if a call were let through, or that the kernel would refuse with another error.
const Refused refused[] = {
    {"execve", SYS_execve},
    {"execveat", SYS_execveat, -1},
    {"fork", SYS_clone, SIGCHLD},
    {"a thread in a namespace of its own", SYS_clone,
     CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_NEWNET},
    {"clone3", SYS_clone3, 0, 0, 0, ENOSYS},
    {"ptrace", SYS_ptrace, PTRACE_TRACEME, 0, 0},
    {"process_vm_readv", SYS_process_vm_readv, 1},
    {"process_vm_writev", SYS_process_vm_writev, 1},
    {"kcmp", SYS_kcmp, -1},
    {"pidfd_open", SYS_pidfd_open, -1},
    {"mount", SYS_mount},
    {"umount2", SYS_umount2},
    {"pivot_root", SYS_pivot_root},
    {"chroot", SYS_chroot},
    {"move_mount", SYS_move_mount, -1},
    {"fsopen", SYS_fsopen},
    {"unshare", SYS_unshare, CLONE_NEWUSER},
    {"setns", SYS_setns, -1},
    {"bpf", SYS_bpf, -1},
    {"kexec_load", SYS_kexec_load, 0, 1L << 40},
    {"kexec_file_load", SYS_kexec_file_load, -1, -1},
    {"init_module", SYS_init_module},
    {"finit_module", SYS_finit_module, -1},
    {"delete_module", SYS_delete_module},
    {"reboot", SYS_reboot},
    {"keyctl", SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING},
    {"add_key", SYS_add_key},
    {"request_key", SYS_request_key},
    {"perf_event_open", SYS_perf_event_open},
    {"userfaultfd", SYS_userfaultfd, -1},
    {"io_uring_setup", SYS_io_uring_setup},
    {"io_uring_enter", SYS_io_uring_enter, -1},
    {"io_uring_register", SYS_io_uring_register, -1},
    {"open_by_handle_at", SYS_open_by_handle_at, -1},
    {"name_to_handle_at", SYS_name_to_handle_at, -1},
    {"setuid", SYS_setuid, 0},
    {"setresuid", SYS_setresuid, -1, -1, -1},
    {"setgroups", SYS_setgroups, -1},
    {"capset", SYS_capset},
    {"setsid", SYS_setsid},
    {"swapon", SYS_swapon},
    {"acct", SYS_acct, 1},
    {"quotactl", SYS_quotactl, -1},
    {"sethostname", SYS_sethostname, 0, -1},
    {"settimeofday", SYS_settimeofday, 1, 1},
    {"clock_settime", SYS_clock_settime, -1},
    {"clock_adjtime", SYS_clock_adjtime, -1},
    {"syslog", SYS_syslog, -1},
    {"personality", SYS_personality, 0xffffffff},
    {"mknodat", SYS_mknodat, -1},
    {"seccomp", SYS_seccomp, -1},
    {"no_new_privs and what else prctl has", SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_STRICT + 5},
    {"being seen by debuggers", SYS_prctl, PR_SET_PTRACER, 0},
    {"limits", SYS_prlimit64, 0, RLIMIT_NOFILE, 1},
    {"limits by a pointer whose low half is zero", SYS_prlimit64, 0, RLIMIT_NOFILE, 1L << 32},
    {"a signal to somebody else", SYS_kill, 0x3fffffff, SIGTERM},
    {"a signal to all", SYS_kill, -1, SIGWINCH},
    {"a signal to a thread of somebody else", SYS_tgkill, 0x3fffffff, 0x3fffffff, SIGTERM},
    {"typing on the terminal", SYS_ioctl, -1, TIOCSTI},
    {"raw packets", SYS_socket, AF_PACKET, SOCK_RAW, 0},
    {"the kernel's cryptography", SYS_socket, AF_ALG, SOCK_SEQPACKET, 0},
    {"vsock", SYS_socket, AF_VSOCK, SOCK_STREAM, 0},
    {"a call newer than the list", 9999, 0, 0, 0, ENOSYS},
#ifdef __x86_64__
    {"vfork", SYS_vfork},
    {"mknod", SYS_mknod},
    {"iopl", SYS_iopl, 0},
    {"ioperm", SYS_ioperm, -1},
    {"modify_ldt", SYS_modify_ldt, -1},
    {"a call of x32", 0x40000000 + 9999, 0, 0, 0, ENOSYS},
#endif
};

void check_refusals() {
  for (const auto& [name, number, first, second, third, error] : refused) {
    errno = 0;
    const long result = syscall(number, first, second, third, 0, 0);
    if (result == 0 && (number == SYS_clone || number == 58)) _exit(9);  // we are the child that must not be
    if (result == -1 && errno == error) continue;
    std::printf("%s is not refused: %ld, errno %d\n", name, result, errno);
    test::failures++;
  }
}

bool has_line(const std::string& path, const std::string& wanted) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line == wanted) return true;
  }
  return false;
}

void is_confined() {
  const std::string status = "/proc/self/task/" + std::to_string(syscall(SYS_gettid)) + "/status";
  CHECK(has_line(status, "Seccomp:\t2"));
  CHECK(has_line(status, "NoNewPrivs:\t1"));
}

void can_still_work() {
  bool ran = false;
  std::thread([&] { ran = true; }).join();
  CHECK(ran);
  void* code = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(code != MAP_FAILED && mprotect(code, 4096, PROT_READ | PROT_EXEC) == 0);
  CHECK(kill(getpid(), 0) == 0 && kill(getppid(), 0) == 0);
  rlimit limit;
  CHECK(getrlimit(RLIMIT_STACK, &limit) == 0);
  int ends[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
  CHECK(open("/dev/null", O_RDWR) >= 0);
  open_how how{};
  how.flags = O_RDONLY;
  how.resolve = RESOLVE_NO_SYMLINKS;
  CHECK(syscall(SYS_openat2, AT_FDCWD, "/dev/null", &how, sizeof how) >= 0);
  CHECK(fchmodat(AT_FDCWD, "/missing", 0600, AT_SYMLINK_NOFOLLOW) == -1 && errno == ENOENT);
}

void internet(bool allowed) {
  CHECK(install_filter(seccomp_program(allowed)) == 0);
  for (const int family : {AF_INET, AF_INET6}) {
    errno = 0;
    const int fd = socket(family, SOCK_STREAM, 0);
    CHECK(allowed ? fd >= 0 || errno == EAFNOSUPPORT : errno == EPERM);
  }
}

/// Refused, a loop that has a ring would end its process.
void keeps_rings() {
  io_uring_params parameters{};
  CHECK(!tsbhyve::sandbox::has_ring());
  const int ring = static_cast<int>(syscall(SYS_io_uring_setup, 4, &parameters));
  if (ring < 0) return;  // no such thing in this kernel
  CHECK(tsbhyve::sandbox::has_ring());
  CHECK(install_filter(seccomp_program(false, true)) == 0);
  CHECK(syscall(SYS_io_uring_enter, ring, 0, 0, 0, nullptr, 0) == 0);
  CHECK(syscall(SYS_io_uring_setup, 4, &parameters) == -1 && errno == EPERM);
}

}  // namespace

int main() {
  test::in_child([] {
    test::Threads threads;
    CHECK(install_filter(seccomp_program(true)) == 0);
    threads.everywhere([] {
      check_refusals();
      is_confined();
      can_still_work();
    });
  });
  test::in_child([] { internet(true); });
  test::in_child([] { internet(false); });
  test::in_child(keeps_rings);
  return test::report();
}
