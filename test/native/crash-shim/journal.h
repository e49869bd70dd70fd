// SPDX-License-Identifier: BSD-2-Clause
// What the shim knows of the folder it watches: which calls concern it, the log of them, and faults on demand.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

namespace crash_shim {

/// Environment: the watched folder without links in its path, the log, and the file that asks for faults.
inline constexpr const char *root_variable = "CRASH_SHIM_ROOT", *log_variable = "CRASH_SHIM_LOG",
                            *fault_variable = "CRASH_SHIM_FAULT";

enum class Call { Create, Folder, Write, Resize, Allocate, Rename, Remove, Mode, Sync };

inline bool within_root(const char* path) {
  const char* root = getenv(root_variable);
  if (!root) return false;
  const size_t length = strlen(root);
  return strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/// May run in a signal handler: no allocation, no lock.
inline bool watched(int fd) {
  const int before = errno;
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  errno = before;
  if (length <= 0) return false;
  path[length] = 0;
  return within_root(path);
}

inline std::uint64_t inode(int fd) {
  struct stat status = {};
  fstat(fd, &status);
  return status.st_ino;
}

/// A name in a folder. `folder` is 0 for what is not watched.
struct Place {
  std::uint64_t folder = 0;
  std::string name, path;

  Place(int base, const char* given) {
    const int before = errno;
    path = base == AT_FDCWD || given[0] == '/' ? given : "/proc/self/fd/" + std::to_string(base) + "/" + given;
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    const size_t slash = path.rfind('/');
    name = slash == std::string::npos ? path : path.substr(slash + 1);
    const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    char real[PATH_MAX];
    struct stat status = {};
    if (realpath(parent.c_str(), real) && within_root(real) && stat(real, &status) == 0) folder = status.st_ino;
    errno = before;
  }

  bool watched() const { return folder != 0; }
  std::uint64_t inode() const {
    struct stat status = {};
    return lstat(path.c_str(), &status) == 0 ? status.st_ino : 0;
  }
  std::string text() const { return std::to_string(folder) + " " + name; }
};

/// "<generation> <n> <errno, or -1: SIGKILL, or 0: nothing> <once|full|always|short>": the n-th change from now fails;
/// with `full` all later ones that take space do too, with `always` all later ones, and with `short` writes do half of
/// it.
struct Fault {
  int number = 0, error = 0;
  std::string how;
};

/// One watched call at a time, so that the log has their true order.
class Turn {
 public:
  Turn() : guard_(lock()) {}

  /// True if the call is to fail; errno is set.
  bool fails(Call call) {
    const Fault fault = wanted();
    if (fault.number == 0 || fault.how == "short") return false;
    const int number = ++count();
    const bool takes_space = call == Call::Create || call == Call::Folder || call == Call::Write ||
                             call == Call::Resize || call == Call::Allocate || call == Call::Sync;
    const bool later = number > fault.number && (fault.how == "always" || (fault.how == "full" && takes_space));
    if (number != fault.number && !later) return false;
    if (fault.error < 0) dying_ = true;
    if (fault.error <= 0) return false;
    record("fault");
    errno = fault.error;
    return true;
  }

  /// How much of a write is to be done.
  size_t part(size_t bytes) const { return (dying_ || wanted().how == "short") && bytes > 1 ? bytes / 2 : bytes; }

  /// After the call was made.
  void record(const std::string& line) const {
    const int before = errno;
    const char* path = getenv(log_variable);
    if (path) {
      const std::string whole = line + "\n";
      const long log = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
      for (size_t done = 0; log >= 0 && done < whole.size();) {
        const long count = syscall(SYS_write, log, whole.data() + done, whole.size() - done);
        if (count <= 0) break;
        done += static_cast<size_t>(count);
      }
      if (log >= 0) syscall(SYS_close, log);
    }
    errno = before;
  }

  ~Turn() {
    if (dying_) kill(getpid(), SIGKILL);
  }

 private:
  static std::mutex& lock() {
    static std::mutex mutex;
    return mutex;
  }
  static int& count() {
    static int calls = 0;
    return calls;
  }

  /// What the file says now; another generation counts anew.
  static Fault wanted() {
    static std::string generation;
    const int before = errno;
    const char* path = getenv(fault_variable);
    char text[128] = {};
    if (path) {
      const long file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
      if (file >= 0) {
        if (syscall(SYS_read, file, text, sizeof text - 1) < 0) text[0] = 0;
        syscall(SYS_close, file);
      }
    }
    errno = before;
    char which[32] = {}, how[16] = {};
    Fault fault;
    if (sscanf(text, "%31s %d %d %15s", which, &fault.number, &fault.error, how) != 4) return {};
    fault.how = how;
    if (generation != which) count() = 0;
    generation = which;
    return fault;
  }

  std::lock_guard<std::mutex> guard_;
  bool dying_ = false;
};

}  // namespace crash_shim
