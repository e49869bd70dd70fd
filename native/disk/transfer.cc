// SPDX-License-Identifier: BSD-2-Clause
#include "disk/transfer.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "disk/buffer.h"

namespace tsbhyve::disk {

namespace {

constexpr int most_parts = 1024;  // IOV_MAX of Linux and FreeBSD

/// The kernel cannot reach a page of guest memory whose file was cut short; our own access gets a zero page there
/// (native/snapshot/fault_guard.h).
int move_through_buffer(Way way, int fd, PartCursor& cursor, std::uint64_t& offset) {
  const auto size =
      static_cast<std::size_t>(std::min<std::uint64_t>(total_of(cursor.parts(), cursor.count()), buffer_bytes));
  const Buffer buffer = make_buffer(size);
  if (way == Way::Write) cursor.gather(buffer.get(), size);
  iovec part{buffer.get(), size};
  PartCursor own(&part, 1);
  const std::uint64_t start = offset;
  if (const int error = move_parts(way, fd, own, offset)) return error;
  if (way == Way::Read) cursor.scatter(buffer.get(), offset - start);
  return way == Way::Write && own.count() > 0 ? ENOSPC : 0;
}

}  // namespace

int move_parts(Way way, int fd, PartCursor& cursor, std::uint64_t& offset) {
  while (cursor.count() > 0) {
    const int count = std::min(cursor.count(), most_parts);
    const auto at = static_cast<off_t>(offset);
    const ssize_t moved =
        way == Way::Read ? preadv(fd, cursor.parts(), count, at) : pwritev(fd, cursor.parts(), count, at);
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0 && errno == EFAULT) {
      const std::uint64_t start = offset;
      if (const int error = move_through_buffer(way, fd, cursor, offset)) return error;
      if (offset == start) return 0;
      continue;
    }
    if (moved < 0) return errno;
    if (moved == 0) return 0;
    cursor.skip(static_cast<std::size_t>(moved));
    offset += static_cast<std::uint64_t>(moved);
  }
  return 0;
}

int read_all(int fd, std::vector<iovec> parts, std::uint64_t offset) {
  PartCursor cursor(parts.data(), static_cast<int>(parts.size()));
  if (const int error = move_parts(Way::Read, fd, cursor, offset)) return error;
  fill_zeros(cursor.parts(), cursor.count());
  return 0;
}

int write_all(int fd, std::vector<iovec> parts, std::uint64_t offset) {
  PartCursor cursor(parts.data(), static_cast<int>(parts.size()));
  if (const int error = move_parts(Way::Write, fd, cursor, offset)) return error;
  return cursor.count() == 0 ? 0 : ENOSPC;
}

int read_from_cache([[maybe_unused]] int fd, [[maybe_unused]] const iovec* parts, [[maybe_unused]] int count,
                    [[maybe_unused]] std::uint64_t offset) {
#ifdef RWF_NOWAIT
  if (count > most_parts) return EAGAIN;
  const ssize_t moved = preadv2(fd, parts, count, static_cast<off_t>(offset), RWF_NOWAIT);
  if (moved >= 0 && static_cast<std::uint64_t>(moved) == total_of(parts, count)) return 0;
#endif
  return EAGAIN;
}

int sync_data(int fd) {
  for (;;) {
    if (fdatasync(fd) == 0) return 0;
    if (errno != EINTR) return errno;
  }
}

}  // namespace tsbhyve::disk
