// SPDX-License-Identifier: BSD-2-Clause
/**
 * The command `tsbhyve`: starts the program, which Node runs, as its child, and holds every signal until that says that
 * its handlers stand. Node resets dispositions and mask when it starts and answers SIGUSR1 with its inspector, so
 * nobody in Node's own process could hold them (docs/decisions/0006-launcher.md). Afterwards it passes on what it is
 * sent, stops and goes on with its child, and ends as its child ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#elif defined(__FreeBSD__)
#include <sys/procctl.h>
#include <sys/sysctl.h>
#include <sys/types.h>
#endif

namespace {

constexpr int kError = 4;          // EXIT_STATUS.error in src/cli/exit-status.ts
constexpr char kReady = 'r';       // src/cli/launched.ts writes it
constexpr char kNotStarted = 'x';  // the child could not become Node; errno follows
constexpr const char* kProgram = "/dist/bundle/tsbhyve.js";
constexpr const char* kReadyVariable = "TSBHYVE_READY_FD";
/** Where Node's inspector would listen if a signal reached Node itself early: never to be bound (RFC 5737). */
constexpr const char* kNoInspector = "--inspect-port=192.0.2.1:9229";

pid_t child = 0;
bool ready = false;

/** Those whose dispositions matter here: inherited as ignored, a signal would be thrown away although it is blocked. */
constexpr int kHandled[] = {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM, SIGCHLD, SIGCONT, SIGTSTP};

void nothing(int) {}

void handle_with(void (*handler)(int)) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  for (const int signal : kHandled) sigaction(signal, &action, nullptr);
}

/** Whoever starts us without standard streams must not find our pipe in their place. */
void fill_standard_streams() {
  int fd = 0;
  while (fd >= 0 && fd <= STDERR_FILENO) fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  close(fd);
}

/** The folder of the package: this file is build/Release/tsbhyve in it. False if it cannot be found out. */
bool package_folder(char* path, size_t room) {
#if defined(__linux__)
  const ssize_t length = readlink("/proc/self/exe", path, room - 1);
  if (length < 0) return false;
  path[length] = '\0';
#elif defined(__FreeBSD__)
  int name[] = {CTL_KERN, KERN_PROC, KERN_PROC_PATHNAME, -1};
  if (sysctl(name, 4, path, &room, nullptr, 0) != 0) return false;
#endif
  for (int level = 0; level < 3; level += 1) {
    char* slash = strrchr(path, '/');
    if (slash == nullptr) return false;
    *slash = '\0';
  }
  return true;
}

/** From now on the kernel kills this process when its parent is gone. */
void end_with_parent(pid_t parent) {
#if defined(__linux__)
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#elif defined(__FreeBSD__)
  int signal = SIGKILL;
  procctl(P_PID, 0, PROC_PDEATHSIG_CTL, &signal);
#endif
  if (getppid() != parent) _exit(kError);  // it was gone before
}

/**
 * Newer versions of Node make an io_uring for each event loop, whose work no filter of the sandbox sees
 * (docs/decisions/0014-sandbox.md). They do without when the kernel says that it has none.
 */
void keep_from_rings() {
#if defined(__linux__)
  sock_filter program[] = {
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_io_uring_setup},  // 425 on every machine
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  };
  const sock_fprog filter = {sizeof program / sizeof *program, program};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter);
#endif
}

[[noreturn]] void become_node(char** words, int ready_fd, const sigset_t& mask) {
  char number[16];
  snprintf(number, sizeof number, "%d", ready_fd);
  setenv(kReadyVariable, number, 1);
  fcntl(ready_fd, F_SETFD, 0);
  handle_with(SIG_DFL);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  execvp(words[0], words);
  const int reason = errno;
  fcntl(ready_fd, F_SETFD, FD_CLOEXEC);
  write(ready_fd, &kNotStarted, 1);
  write(ready_fd, &reason, sizeof reason);
  _exit(kError);
}

/** Ends as the child did, so that whoever waits for us sees no difference. */
[[noreturn]] void end_as(int status) {
  if (WIFEXITED(status)) _exit(WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  const rlimit none = {0, 0};  // the child has left its core already
  setrlimit(RLIMIT_CORE, &none);
  ::signal(signal, SIG_DFL);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  raise(signal);
  sigprocmask(SIG_UNBLOCK, &only, nullptr);
  _exit(128 + signal);
}

/** Stops as the child did, and wakes it when somebody wakes us. */
void stop_too() {
  sigset_t pending;
  sigpending(&pending);
  if (!sigismember(&pending, SIGCONT)) raise(SIGSTOP);
  kill(child, SIGCONT);
}

void look_after_child() {
  int status = 0;
  while (waitpid(child, &status, WNOHANG | WUNTRACED) > 0) {
    if (WIFSTOPPED(status)) {
      stop_too();
    } else {
      end_as(status);
    }
  }
}

/** A terminal signals the whole process group, and the child is in ours. A hang-up may be for us alone. */
bool child_has_it(int signal, const siginfo_t& info) {
  const bool of_terminal = signal == SIGINT || signal == SIGQUIT || signal == SIGTSTP || signal == SIGTTIN ||
                           signal == SIGTTOU || signal == SIGWINCH;
  return of_terminal && info.si_code == SI_KERNEL;
}

/** Reads the child's word. Without one it has ended, or has closed the pipe and will never send one. */
void hear(int ready_fd, const char* node) {
  char word = 0;
  int reason = 0;
  if (read(ready_fd, &word, 1) == 1 && word == kNotStarted) {
    read(ready_fd, &reason, sizeof reason);
    dprintf(STDERR_FILENO, "tsbhyve: cannot start node as '%s': %s; TSBHYVE_NODE names another program\n", node,
            strerror(reason));
    _exit(kError);
  }
  close(ready_fd);
  ready = true;
}

/** Only a change of the child's is let through meanwhile; every other signal stays pending. */
void wait_until_ready(int ready_fd, const char* node) {
  sigset_t held;
  sigfillset(&held);
  sigdelset(&held, SIGCHLD);
  while (!ready) {
    pollfd pipe = {ready_fd, POLLIN, 0};
    if (ppoll(&pipe, 1, nullptr, &held) > 0) {
      hear(ready_fd, node);
    } else {
      look_after_child();
    }
  }
}

[[noreturn]] void pass_on(const sigset_t& all) {
  for (;;) {
    siginfo_t info;
    const int signal = sigwaitinfo(&all, &info);
    if (signal == SIGCHLD) {
      look_after_child();
    } else if (signal > 0 && !child_has_it(signal, info)) {
      kill(child, signal);
    }
  }
}

}  // namespace

int main(int count, char** given) {
  sigset_t all;
  sigset_t inherited;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &inherited);
  handle_with(nothing);
  fill_standard_streams();

  char program[PATH_MAX + 32] = "";
  if (!package_folder(program, PATH_MAX)) {
    dprintf(STDERR_FILENO, "tsbhyve: cannot find out where this program is: %s\n", strerror(errno));
    return kError;
  }
  strcat(program, kProgram);
  if (access(program, R_OK) != 0) {
    dprintf(STDERR_FILENO, "tsbhyve: %s: %s; npm run build makes it\n", program, strerror(errno));
    return kError;
  }

  const char* wanted = getenv("TSBHYVE_NODE");
  char* node = strdup(wanted == nullptr || *wanted == '\0' ? "node" : wanted);
  char** words = static_cast<char**>(calloc(static_cast<size_t>(count) + 3, sizeof(char*)));
  words[0] = node;
  words[1] = strdup(kNoInspector);
  words[2] = program;
  for (int index = 1; index < count; index += 1) words[index + 2] = given[index];

  int word[2];
  if (pipe2(word, O_CLOEXEC) != 0) {
    dprintf(STDERR_FILENO, "tsbhyve: cannot make a pipe: %s\n", strerror(errno));
    return kError;
  }
  const pid_t self = getpid();
  child = fork();
  if (child < 0) {
    dprintf(STDERR_FILENO, "tsbhyve: cannot start a process: %s\n", strerror(errno));
    return kError;
  }
  if (child == 0) {
    end_with_parent(self);
    keep_from_rings();
    become_node(words, word[1], inherited);
  }
  close(word[1]);
  // Whoever is at the other end must see it when the child closes them.
  close(STDIN_FILENO);
  close(STDOUT_FILENO);
  wait_until_ready(word[0], node);
  pass_on(all);
}
