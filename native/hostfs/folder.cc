// SPDX-License-Identifier: BSD-2-Clause
#include "hostfs/folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <limits>

#include "hostfs/beneath.h"
#include "hostfs/host_error.h"

namespace tsbhyve::hostfs {

namespace {

constexpr int LINUX_EPERM = 1, LINUX_ENXIO = 6, LINUX_EFBIG = 27, LINUX_EINVAL = 22;
constexpr std::uint32_t PERMISSIONS = 01777, RUN_AS_OWNER = 04000, RUN_AS_GROUP = 02000;
constexpr std::uint64_t MOST = std::numeric_limits<off_t>::max();

int done(int result) { return result == 0 ? 0 : failure(); }

int host_flags(std::uint32_t flags) {
  int host = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  const std::uint32_t access = flags & ACCESS;
  host |= access == WRITE_ONLY ? O_WRONLY : access == READ_WRITE ? O_RDWR : O_RDONLY;
  if (flags & TRUNCATE) host |= O_TRUNC;
  if (flags & APPEND) host |= O_APPEND;
  if (flags & DATA_SYNC) host |= O_DSYNC;
  if ((flags & SYNC) == SYNC) host |= O_SYNC;
  if (flags & FOLDER_ONLY) host |= O_DIRECTORY;
  return host;
}

/// `mode_t` has 16 bits on some hosts.
template <class Mode = mode_t>
Mode mode_of(std::uint32_t bits) {
  return static_cast<Mode>(bits);
}

bool may_be_opened(mode_t mode) { return S_ISREG(mode) || S_ISDIR(mode); }

/// A guest must not make programs that run as the user of this process for everybody on the host.
bool gives_rights(std::uint32_t mode, bool is_folder) {
  return (mode & RUN_AS_OWNER) != 0 || (!is_folder && (mode & RUN_AS_GROUP) != 0);
}

timespec host_time(const Time& time) {
  if (time.kind == Time::Kind::Keep) return {.tv_sec = 0, .tv_nsec = UTIME_OMIT};
  if (time.kind == Time::Kind::Now) return {.tv_sec = 0, .tv_nsec = UTIME_NOW};
  return {.tv_sec = static_cast<time_t>(time.seconds), .tv_nsec = static_cast<long>(time.nanoseconds)};
}

bool is_valid(const Time& time) {
  return time.kind != Time::Kind::Given || (time.nanoseconds >= 0 && time.nanoseconds < 1'000'000'000);
}

}  // namespace

int open_root(const std::string& path) {
#ifdef O_PATH
  const int root = open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
#else
  const int root = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
#endif
  return root >= 0 ? root : failure();
}

int stat_path(int root, const std::string& path, Attributes& found) {
  if (path.empty()) return attributes(root, root, "", found);
  const Place place(root, path);
  return place ? attributes(root, place.folder(), place.name(), found) : failure();
}

int open_path(int root, const std::string& path, std::uint32_t flags) {
  if (path.empty()) {
    const int fd = openat(root, ".", host_flags(flags));
    return fd >= 0 ? fd : failure();
  }
  const Place place(root, path);
  if (!place) return failure();
  // Opening a device or a pipe can already do something, so it is looked at before; and after, should it be another
  // one.
  struct stat before {
  }, after{};
  if (fstatat(place.folder(), place.name(), &before, AT_SYMLINK_NOFOLLOW) != 0) return failure();
  if (!may_be_opened(before.st_mode)) return -LINUX_ENXIO;
  Fd file(openat(place.folder(), place.name(), host_flags(flags)));
  if (!file || fstat(file.get(), &after) != 0) return failure();
  return may_be_opened(after.st_mode) ? file.release() : -LINUX_ENXIO;
}

int create_file(int root, const std::string& path, std::uint32_t flags, std::uint32_t mode) {
  const Place place(root, path);
  if (!place) return failure();
  const int how = (host_flags(flags) & ~(O_DIRECTORY | O_TRUNC)) | O_CREAT | O_EXCL;
  Fd file(openat(place.folder(), place.name(), how, S_IRUSR | S_IWUSR));
  // The guest's umask has been applied, this process's must not be on top of it.
  if (!file || fchmod(file.get(), mode_of(mode & PERMISSIONS)) != 0) return failure();
  return file.release();
}

int make_folder(int root, const std::string& path, std::uint32_t mode) {
  const Place place(root, path);
  if (!place || mkdirat(place.folder(), place.name(), S_IRWXU) != 0) return failure();
  const Fd made(openat(place.folder(), place.name(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!made) return failure();
  struct stat found {};
  if (fstat(made.get(), &found) != 0) return failure();
  // What the folder above hands down stays.
  return done(fchmod(made.get(), mode_of((mode & PERMISSIONS) | (found.st_mode & RUN_AS_GROUP))));
}

int make_symlink(int root, const std::string& path, const std::string& target) {
  const Place place(root, path);
  return place ? done(symlinkat(target.c_str(), place.folder(), place.name())) : failure();
}

int make_link(int root, const std::string& from, const std::string& to) {
  const Place source(root, from);
  if (!source) return failure();
  const Place place(root, to);
  return place ? done(linkat(source.folder(), source.name(), place.folder(), place.name(), 0)) : failure();
}

int rename_path(int root, const std::string& from, const std::string& to) {
  const Place source(root, from);
  if (!source) return failure();
  const Place place(root, to);
  return place ? done(renameat(source.folder(), source.name(), place.folder(), place.name())) : failure();
}

int remove_path(int root, const std::string& path, bool is_folder) {
  const Place place(root, path);
  return place ? done(unlinkat(place.folder(), place.name(), is_folder ? AT_REMOVEDIR : 0)) : failure();
}

int read_link(int root, const std::string& path, std::string& target) {
  const Place place(root, path);
  if (!place) return failure();
  std::array<char, PATH_MAX> text{};
  const ssize_t length = readlinkat(place.folder(), place.name(), text.data(), text.size());
  if (length < 0) return failure();
  target.assign(text.data(), static_cast<std::size_t>(length));
  return 0;
}

int set_mode(int root, const std::string& path, std::uint32_t mode) {
  Attributes found{};
  if (const int error = stat_path(root, path, found); error != 0) return error;
  const auto now = static_cast<std::uint32_t>(found.mode);
  if (gives_rights(mode & ~now, S_ISDIR(now))) return -LINUX_EPERM;
  const auto bits = mode_of(mode & (PERMISSIONS | RUN_AS_OWNER | RUN_AS_GROUP));
  if (path.empty()) return done(fchmodat(root, ".", bits, 0));
  const Place place(root, path);
  return place ? done(fchmodat(place.folder(), place.name(), bits, AT_SYMLINK_NOFOLLOW)) : failure();
}

int set_owner(int root, const std::string& path, std::uint32_t uid, std::uint32_t gid) {
  if (path.empty()) return done(fchownat(root, ".", uid, gid, AT_SYMLINK_NOFOLLOW));
  const Place place(root, path);
  return place ? done(fchownat(place.folder(), place.name(), uid, gid, AT_SYMLINK_NOFOLLOW)) : failure();
}

int set_times(int root, const std::string& path, const Time& access, const Time& modify) {
  if (!is_valid(access) || !is_valid(modify)) return -LINUX_EINVAL;
  const std::array<timespec, 2> times{host_time(access), host_time(modify)};
  if (path.empty()) return done(utimensat(root, ".", times.data(), AT_SYMLINK_NOFOLLOW));
  const Place place(root, path);
  return place ? done(utimensat(place.folder(), place.name(), times.data(), AT_SYMLINK_NOFOLLOW)) : failure();
}

int set_size(int root, const std::string& path, std::uint64_t size) {
  const int fd = open_path(root, path, WRITE_ONLY);
  if (fd < 0) return fd;
  const Fd file(fd);
  return set_file_size(fd, size);
}

std::int64_t read_file(int fd, std::uint64_t offset, std::span<std::uint8_t> bytes) {
  if (offset > MOST - bytes.size()) return 0;
  std::size_t moved = 0;
  while (moved < bytes.size()) {
    const auto rest = bytes.subspan(moved);
    const ssize_t count = pread(fd, rest.data(), rest.size(), static_cast<off_t>(offset + moved));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && moved == 0) return failure();
    if (count <= 0) break;
    moved += static_cast<std::size_t>(count);
  }
  return static_cast<std::int64_t>(moved);
}

std::int64_t write_file(int fd, std::uint64_t offset, std::span<const std::uint8_t> bytes) {
  if (offset > MOST - bytes.size()) return -LINUX_EFBIG;
  std::size_t moved = 0;
  while (moved < bytes.size()) {
    const auto rest = bytes.subspan(moved);
    const ssize_t count = pwrite(fd, rest.data(), rest.size(), static_cast<off_t>(offset + moved));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && moved == 0) return failure();
    if (count <= 0) break;
    moved += static_cast<std::size_t>(count);
  }
  return static_cast<std::int64_t>(moved);
}

int set_file_size(int fd, std::uint64_t size) {
  if (size > MOST) return -LINUX_EFBIG;
  return done(ftruncate(fd, static_cast<off_t>(size)));
}

int sync_file(int fd, bool only_data) { return done(only_data ? fdatasync(fd) : fsync(fd)); }

int space_of(int root, Space& found) {
  struct statvfs from {};
  if (fstatvfs(root, &from) != 0) return failure();
  found = {
      .block_size = from.f_frsize,
      .blocks = from.f_blocks,
      .free = from.f_bfree,
      .available = from.f_bavail,
      .files = from.f_files,
      .free_files = from.f_ffree,
      .name_length = from.f_namemax,
  };
  return 0;
}

}  // namespace tsbhyve::hostfs
