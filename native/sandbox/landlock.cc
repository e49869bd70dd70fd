// SPDX-License-Identifier: BSD-2-Clause
#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "sandbox/every_thread.h"

namespace tsbhyve::sandbox {
namespace {

// The kernel's headers that we build with may be older than the kernel: rights as landlock(7) numbers them.
enum : std::uint64_t {
  kExecute = 1 << 0,
  kWriteFile = 1 << 1,
  kReadFile = 1 << 2,
  kReadDir = 1 << 3,
  kRemoveDir = 1 << 4,
  kRemoveFile = 1 << 5,
  kMakeChar = 1 << 6,
  kMakeDir = 1 << 7,
  kMakeReg = 1 << 8,
  kMakeSock = 1 << 9,
  kMakeFifo = 1 << 10,
  kMakeBlock = 1 << 11,
  kMakeSym = 1 << 12,
  kRefer = 1 << 13,     // version 2
  kTruncate = 1 << 14,  // version 3
  kIoctlDev = 1 << 15,  // version 5
};
constexpr std::uint64_t kTcp = 1 << 0 | 1 << 1;  // version 4: bind and connect
// Version 6: abstract sockets of others. Not signals: each thread has a domain of its own, and could send none to its
// siblings.
constexpr std::uint64_t kScopes = 1 << 0;

constexpr std::uint64_t kFiles = kExecute | kWriteFile | kReadFile | kTruncate | kIoctlDev;
constexpr std::uint64_t kRead = kReadFile | kReadDir;
constexpr std::uint64_t kWrite = kRead | kWriteFile | kRemoveDir | kRemoveFile | kMakeDir | kMakeReg | kMakeSock |
                                 kMakeFifo | kMakeSym | kRefer | kTruncate | kIoctlDev;

/// landlock_ruleset_attr of version 6; an older kernel is given less of it.
struct Ruleset {
  std::uint64_t files;
  std::uint64_t network;
  std::uint64_t scopes;
};

std::uint64_t rights(Access access) {
  switch (access) {
    case Access::Read: return kRead;
    case Access::Write: return kWrite;
    case Access::Sockets: return kMakeSock | kRemoveFile;
    case Access::Folders: return kMakeDir | kRemoveDir;
  }
  return 0;
}

std::uint64_t known_rights(int version) {
  std::uint64_t known = kRefer - 1;
  if (version >= 2) known |= kRefer;
  if (version >= 3) known |= kTruncate;
  if (version >= 5) known |= kIoctlDev;
  return known;
}

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

int add_rule(int ruleset, const PathRule& rule, std::uint64_t known) {
  const Fd path(open(rule.path.c_str(), O_PATH | O_CLOEXEC));
  if (path.get() < 0) return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : errno;
  struct stat found;
  if (fstat(path.get(), &found) != 0) return errno;
  landlock_path_beneath_attr attributes{};
  attributes.allowed_access = rights(rule.access) & known & (S_ISDIR(found.st_mode) ? ~std::uint64_t{0} : kFiles);
  attributes.parent_fd = path.get();
  if (attributes.allowed_access == 0) return 0;
  return syscall(__NR_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &attributes, 0) == 0 ? 0 : errno;
}

int restrict_thread(int ruleset) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  return syscall(__NR_landlock_restrict_self, ruleset, 0) == 0 ? 0 : errno;
}

}  // namespace

int landlock_version() {
  const long version = syscall(__NR_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return version < 0 ? 0 : static_cast<int>(version);
}

int restrict_paths(const std::vector<PathRule>& rules, bool network) {
  const int version = landlock_version();
  const std::uint64_t known = known_rights(version);
  const Ruleset attributes{known, network ? 0 : kTcp, kScopes};
  const std::size_t size = version >= 6 ? sizeof attributes : version >= 4 ? 2 * sizeof known : sizeof known;
  const Fd ruleset(static_cast<int>(syscall(__NR_landlock_create_ruleset, &attributes, size, 0)));
  if (ruleset.get() < 0) return errno;
  for (const PathRule& rule : rules) {
    if (const int error = add_rule(ruleset.get(), rule, known)) return error;
  }
  return in_every_thread(restrict_thread, ruleset.get());
}

}  // namespace tsbhyve::sandbox
