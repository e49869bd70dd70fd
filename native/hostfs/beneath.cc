// SPDX-License-Identifier: BSD-2-Clause
#include "hostfs/beneath.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#ifdef __linux__
#include <linux/openat2.h>
#include <sys/syscall.h>
#endif

namespace tsbhyve::hostfs {

namespace {

constexpr std::size_t PATH_BYTES = 4096;
#ifdef O_PATH
constexpr int FOLDER = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
#else
constexpr int FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
#endif
/// A rename anywhere on the host makes openat2 give up.
constexpr int ATTEMPTS = 64;

Fd walk(int root, const std::string& path) {
  Fd folder(openat(root, ".", FOLDER));
  for (std::size_t at = 0; folder && at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    folder = Fd(openat(folder.get(), path.substr(at, end - at).c_str(), FOLDER));
    at = end + 1;
  }
  return folder;
}

#ifdef __linux__
Fd ask_kernel(int root, const std::string& path) {
  open_how how{};
  how.flags = FOLDER;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
  const char* name = path.empty() ? "." : path.c_str();
  for (int attempt = 1;; attempt++) {
    Fd folder(static_cast<int>(syscall(SYS_openat2, root, name, &how, sizeof how)));
    if (folder || errno != EAGAIN || attempt == ATTEMPTS) return folder;
  }
}

bool kernel_has_openat2() {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  const Fd here(static_cast<int>(syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof how)));
  return static_cast<bool>(here);
}
#endif

}  // namespace

Resolver best_resolver() {
#ifdef __linux__
  static const bool has_openat2 = kernel_has_openat2();
  if (has_openat2) return Resolver::Kernel;
#endif
  return Resolver::Walk;
}

bool is_path(const std::string& path) {
  errno = EINVAL;
  if (path.find('\0') != std::string::npos) return false;
  for (std::size_t at = 0; at < path.size() || (at > 0 && at == path.size());) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view name = std::string_view(path).substr(at, end - at);
    if (name.empty() || name == "." || name == "..") return false;
    at = end + 1;
  }
  errno = ENAMETOOLONG;
  return path.size() < PATH_BYTES;
}

Fd open_folder(int root, const std::string& path, Resolver resolver) {
  if (!is_path(path)) return Fd(-1);
#ifdef __linux__
  Fd folder = resolver == Resolver::Kernel ? ask_kernel(root, path) : walk(root, path);
#else
  static_cast<void>(resolver);
  Fd folder = walk(root, path);
#endif
  // A link is not a folder to whoever does not follow it. The kernels say that in several ways.
  if (!folder && (errno == ELOOP || errno == EMLINK)) errno = ENOTDIR;
  return folder;
}

Place::Place(int root, const std::string& path, Resolver resolver) : folder_(-1) {
  if (path.empty()) {
    errno = EBUSY;
    return;
  }
  if (!is_path(path)) return;
  const std::size_t slash = path.rfind('/');
  name_ = slash == std::string::npos ? path : path.substr(slash + 1);
  folder_ = open_folder(root, slash == std::string::npos ? "" : path.substr(0, slash), resolver);
}

}  // namespace tsbhyve::hostfs
