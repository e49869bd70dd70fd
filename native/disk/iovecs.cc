// SPDX-License-Identifier: BSD-2-Clause
#include "disk/iovecs.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace tsbhyve::disk {

namespace {

constexpr std::size_t most_parts = 1024;  // IOV_MAX of Linux and FreeBSD

using Move = ssize_t (*)(int fd, const iovec* parts, int count, off_t offset);

/// Answers how many bytes were left when the file ended, or a negative errno.
std::int64_t move_all(Move move, int fd, std::vector<iovec>& parts, std::uint64_t& offset) {
  std::size_t first = 0;
  while (first < parts.size()) {
    if (parts[first].iov_len == 0) {
      first++;
      continue;
    }
    const int count = static_cast<int>(std::min(parts.size() - first, most_parts));
    const ssize_t moved = move(fd, &parts[first], count, static_cast<off_t>(offset));
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0) return -errno;
    if (moved == 0) break;
    offset += static_cast<std::uint64_t>(moved);
    for (auto left = static_cast<std::size_t>(moved); left > 0;) {
      const std::size_t part = std::min(left, parts[first].iov_len);
      parts[first].iov_base = static_cast<std::uint8_t*>(parts[first].iov_base) + part;
      parts[first].iov_len -= part;
      left -= part;
      if (parts[first].iov_len == 0) first++;
    }
  }
  parts.erase(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(first));
  return static_cast<std::int64_t>(total_bytes(parts.data(), static_cast<int>(parts.size())));
}

}  // namespace

std::uint64_t total_bytes(const iovec* parts, int count) {
  std::uint64_t bytes = 0;
  for (int index = 0; index < count; index++) bytes += parts[index].iov_len;
  return bytes;
}

void Cursor::take(std::uint64_t bytes, std::vector<iovec>& out) {
  while (bytes > 0 && part_ != end_) {
    const std::size_t part = std::min<std::uint64_t>(bytes, part_->iov_len - used_);
    if (part > 0) out.push_back({static_cast<std::uint8_t*>(part_->iov_base) + used_, part});
    used_ += part;
    bytes -= part;
    if (used_ == part_->iov_len) {
      part_++;
      used_ = 0;
    }
  }
}

int read_all(int fd, std::vector<iovec> parts, std::uint64_t offset) {
  const std::int64_t left = move_all(preadv, fd, parts, offset);
  if (left < 0) return static_cast<int>(-left);
  fill_zeros(parts);
  return 0;
}

int write_all(int fd, std::vector<iovec> parts, std::uint64_t offset) {
  const std::int64_t left = move_all(pwritev, fd, parts, offset);
  if (left < 0) return static_cast<int>(-left);
  return left == 0 ? 0 : ENOSPC;
}

void fill_zeros(const std::vector<iovec>& parts) {
  for (const iovec& part : parts) std::memset(part.iov_base, 0, part.iov_len);
}

}  // namespace tsbhyve::disk
