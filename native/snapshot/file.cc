// SPDX-License-Identifier: BSD-2-Clause
#include "snapshot/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tsbhyve::snapshot {

namespace {

constexpr std::size_t largest_transfer = std::size_t{1} << 30;  // kernels move less than 2 GiB at once

std::string name_of(int number) {
#ifdef __GLIBC__
  const char* name = strerrorname_np(number);
  return name ? name : "EIO";
#else
  return number == ENOSPC ? "ENOSPC" : "EIO";
#endif
}

}  // namespace

void fail_errno(const char* call) {
  const int number = errno;
  throw Failure{name_of(number), number, std::string(call) + ": " + std::strerror(number)};
}

File::File(int fd) : fd_(fcntl(fd, F_DUPFD_CLOEXEC, 0)) {
  if (fd_ < 0) fail_errno("dup");
}

File::~File() { close(); }

void File::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

File::File(File&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }

std::uint64_t File::size() const {
  struct stat status;
  if (fstat(fd_, &status) != 0) fail_errno("fstat");
  return static_cast<std::uint64_t>(status.st_size);
}

std::uint64_t File::changed_at() const {
  struct stat status;
  if (fstat(fd_, &status) != 0) fail_errno("fstat");
#ifdef __APPLE__
  const timespec& at = status.st_mtimespec;
#else
  const timespec& at = status.st_mtim;
#endif
  return static_cast<std::uint64_t>(at.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(at.tv_nsec);
}

void File::resize(std::uint64_t bytes) const {
  if (ftruncate(fd_, static_cast<off_t>(bytes)) != 0) fail_errno("ftruncate");
}

void File::reserve(std::uint64_t offset, std::uint64_t bytes) const {
  const auto at = static_cast<off_t>(offset), length = static_cast<off_t>(bytes);
#ifdef __linux__
  int number = 0;
  do number = fallocate(fd_, 0, at, length) == 0 ? 0 : errno;
  while (number == EINTR);
#else
  const int number = posix_fallocate(fd_, at, length);
#endif
  if (number == 0 || number == EOPNOTSUPP || number == EINVAL || number == ENOSYS) return;  // ZFS, NFS: cannot reserve
  errno = number;
  fail_errno("fallocate");
}

void File::read(std::uint8_t* to, std::size_t bytes, std::uint64_t offset) const {
  while (bytes > 0) {
    const ssize_t count =
        pread(fd_, to, bytes < largest_transfer ? bytes : largest_transfer, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_errno("read");
    if (count == 0) throw Failure{"ERR_TRUNCATED", 0, "the file ends at byte " + std::to_string(offset)};
    to += count;
    offset += static_cast<std::uint64_t>(count);
    bytes -= static_cast<std::size_t>(count);
  }
}

void File::write(const std::uint8_t* from, std::size_t bytes, std::uint64_t offset) const {
  while (bytes > 0) {
    const ssize_t count =
        pwrite(fd_, from, bytes < largest_transfer ? bytes : largest_transfer, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) errno = ENOSPC;
    if (count <= 0) fail_errno("write");
    from += count;
    offset += static_cast<std::uint64_t>(count);
    bytes -= static_cast<std::size_t>(count);
  }
}

void File::sync() const {
  if (fsync(fd_) != 0) fail_errno("fsync");
}

std::uint64_t File::next_data(std::uint64_t offset, std::uint64_t size) const {
  const off_t found = lseek(fd_, static_cast<off_t>(offset), SEEK_DATA);
  if (found >= 0) return static_cast<std::uint64_t>(found);
  return errno == ENXIO ? size : offset;  // a file system that knows no holes has data everywhere
}

}  // namespace tsbhyve::snapshot
