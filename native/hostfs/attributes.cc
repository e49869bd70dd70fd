// SPDX-License-Identifier: BSD-2-Clause
#include "hostfs/attributes.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "hostfs/host_error.h"

namespace tsbhyve::hostfs {

namespace {

constexpr std::uint64_t SECOND = 1'000'000'000;

std::uint64_t joined(std::uint64_t high, std::uint64_t low) { return high << 32 | low; }

/// Spreads bits, so that different numbers stay different and look unlike inodes (the finalizer of SplitMix64).
constexpr std::uint64_t mixed(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

#ifdef __linux__
/// As Linux encodes a device for programs: 12 bits of its major number amid 20 of its minor.
std::uint64_t encoded(std::uint32_t major_number, std::uint32_t minor_number) {
  return (minor_number & 0xff) | (major_number << 8) | ((minor_number & ~0xffU) << 12);
}
#else
template <class Number>
std::uint64_t unsigned_of(Number number) {
  return static_cast<std::uint64_t>(number);
}
#endif

}  // namespace

std::uint64_t file_number(std::uint64_t inode, std::uint64_t device, std::uint64_t root_device) {
  return device == root_device ? inode : mixed(inode + mixed(device));
}

#ifdef __linux__

std::uint64_t device_of(int fd) {
  struct statx found {};
  if (statx(fd, "", AT_EMPTY_PATH, 0, &found) != 0) return 0;
  return joined(found.stx_dev_major, found.stx_dev_minor);
}

int attributes(int root, int folder, const char* name, Attributes& found) {
  struct statx from {};
  const int flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
  if (statx(folder, name, flags, STATX_BASIC_STATS | STATX_BTIME, &from) != 0) return failure();
  const auto signed_second = [](std::int64_t second) { return static_cast<std::uint64_t>(second); };
  const bool knows_birth = (from.stx_mask & STATX_BTIME) != 0;
  found = {
      .mode = from.stx_mode,
      .uid = from.stx_uid,
      .gid = from.stx_gid,
      .links = from.stx_nlink,
      .device = encoded(from.stx_rdev_major, from.stx_rdev_minor),
      .size = from.stx_size,
      .block_size = from.stx_blksize,
      .blocks = from.stx_blocks,
      .access_seconds = signed_second(from.stx_atime.tv_sec),
      .access_nanoseconds = from.stx_atime.tv_nsec,
      .modify_seconds = signed_second(from.stx_mtime.tv_sec),
      .modify_nanoseconds = from.stx_mtime.tv_nsec,
      .change_seconds = signed_second(from.stx_ctime.tv_sec),
      .change_nanoseconds = from.stx_ctime.tv_nsec,
      .born = knows_birth ? signed_second(from.stx_btime.tv_sec) * SECOND + from.stx_btime.tv_nsec : 0,
      .file = file_number(from.stx_ino, joined(from.stx_dev_major, from.stx_dev_minor), device_of(root)),
  };
  return 0;
}

#else

std::uint64_t device_of(int fd) {
  struct stat found {};
  return fstat(fd, &found) == 0 ? unsigned_of(found.st_dev) : 0;
}

int attributes(int root, int folder, const char* name, Attributes& found) {
  struct stat from {};
  const int result = *name == '\0' ? fstat(folder, &from) : fstatat(folder, name, &from, AT_SYMLINK_NOFOLLOW);
  if (result != 0) return failure();
  found = {
      .mode = from.st_mode,
      .uid = from.st_uid,
      .gid = from.st_gid,
      .links = unsigned_of(from.st_nlink),
      .device = unsigned_of(from.st_rdev),
      .size = unsigned_of(from.st_size),
      .block_size = unsigned_of(from.st_blksize),
      .blocks = unsigned_of(from.st_blocks),
      .access_seconds = unsigned_of(from.st_atim.tv_sec),
      .access_nanoseconds = unsigned_of(from.st_atim.tv_nsec),
      .modify_seconds = unsigned_of(from.st_mtim.tv_sec),
      .modify_nanoseconds = unsigned_of(from.st_mtim.tv_nsec),
      .change_seconds = unsigned_of(from.st_ctim.tv_sec),
      .change_nanoseconds = unsigned_of(from.st_ctim.tv_nsec),
      .born = unsigned_of(from.st_birthtim.tv_sec) * SECOND + unsigned_of(from.st_birthtim.tv_nsec),
      .file = file_number(from.st_ino, unsigned_of(from.st_dev), device_of(root)),
  };
  return 0;
}

#endif

}  // namespace tsbhyve::hostfs
