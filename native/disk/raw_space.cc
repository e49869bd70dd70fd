// SPDX-License-Identifier: BSD-2-Clause
#include "disk/raw_space.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <system_error>
#ifdef __linux__
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/sysmacros.h>
#elif defined(__FreeBSD__)
#include <sys/disk.h>
#endif

namespace tsbhyve::disk {

namespace {

struct stat status_of(int fd) {
  struct stat status;
  if (fstat(fd, &status) < 0) throw std::system_error(errno, std::generic_category(), "fstat");
  return status;
}

std::uint64_t device_size(int fd) {
#ifdef __linux__
  std::uint64_t bytes = 0;
  if (ioctl(fd, BLKGETSIZE64, &bytes) < 0) throw std::system_error(errno, std::generic_category(), "BLKGETSIZE64");
  return bytes;
#else
  off_t bytes = 0;
  if (ioctl(fd, DIOCGMEDIASIZE, &bytes) < 0) {
    throw std::system_error(errno, std::generic_category(), "DIOCGMEDIASIZE");
  }
  return static_cast<std::uint64_t>(bytes);
#endif
}

#ifdef __linux__

/// Offset or length not a multiple of the device's block: to be written instead.
int errno_of(int result) {
  if (result == 0) return 0;
  return errno == EINVAL || errno == ENOTTY || errno == ENOSYS ? EOPNOTSUPP : errno;
}

/// A partition has its limits one folder up.
std::uint64_t discard_limit(int fd) {
  const dev_t device = status_of(fd).st_rdev;
  for (const char* place : {"", "../"}) {
    char path[96];
    std::snprintf(path, sizeof path, "/sys/dev/block/%u:%u/%squeue/discard_max_bytes", major(device), minor(device),
                  place);
    std::FILE* file = std::fopen(path, "re");
    if (!file) continue;
    unsigned long long bytes = 0;
    const bool is_number = std::fscanf(file, "%llu", &bytes) == 1;
    std::fclose(file);
    return is_number ? bytes : 0;
  }
  return 0;
}

#endif

}  // namespace

MediumSize medium_size(int fd) {
  const struct stat status = status_of(fd);
  if (S_ISREG(status.st_mode)) return {static_cast<std::uint64_t>(status.st_size), false};
    // FreeBSD has no block devices any more: disks are character devices there.
#ifdef __linux__
  const bool is_device = S_ISBLK(status.st_mode);
#else
  const bool is_device = S_ISCHR(status.st_mode);
#endif
  if (!is_device) throw std::invalid_argument("not a disk; a raw image file or a block device is accepted");
  return {device_size(fd), true};
}

#ifdef __linux__

int punch_hole(int fd, std::uint64_t offset, std::uint64_t length) {
  int result;
  do {
    result = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                       static_cast<off_t>(length));
  } while (result != 0 && errno == EINTR);
  return errno_of(result);
}

/// A hole beyond the end of a file changes nothing, and tells whether the file system knows of holes.
bool can_give_back(int fd, bool is_device, std::uint64_t capacity) {
  if (is_device) return discard_limit(fd) > 0;
  return punch_hole(fd, (capacity + 8191) & ~std::uint64_t{4095}, 4096) == 0;
}

int give_back(int fd, bool is_device, std::uint64_t offset, std::uint64_t length) {
  if (!is_device) return punch_hole(fd, offset, length);
  std::uint64_t range[2] = {offset, length};
  return errno_of(ioctl(fd, BLKDISCARD, range));
}

/// For devices both ways end in what BLKZEROOUT does, and throw away what the host's cache has of the range.
int make_zero(int fd, std::uint64_t offset, std::uint64_t length, bool unmap) {
  if (unmap && punch_hole(fd, offset, length) == 0) return 0;
  return errno_of(fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                            static_cast<off_t>(length)));
}

#else

int punch_hole(int, std::uint64_t, std::uint64_t) { return EOPNOTSUPP; }
bool can_give_back(int, bool, std::uint64_t) { return false; }
int give_back(int, bool, std::uint64_t, std::uint64_t) { return EOPNOTSUPP; }
int make_zero(int, std::uint64_t, std::uint64_t, bool) { return EOPNOTSUPP; }

#endif

}  // namespace tsbhyve::disk
