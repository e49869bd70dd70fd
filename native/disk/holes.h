// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <fcntl.h>

#include <cerrno>
#include <cstdint>

namespace tsbhyve::disk {

/// Gives a part of a file back, which then reads as zeros. An errno; EOPNOTSUPP where the file system cannot do that.
inline int punch_hole([[maybe_unused]] int fd, [[maybe_unused]] std::uint64_t offset,
                      [[maybe_unused]] std::uint64_t length) {
#ifdef __linux__
  int result = 0;
  do {
    result = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                       static_cast<off_t>(length));
  } while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : errno;
#else
  return EOPNOTSUPP;
#endif
}

}  // namespace tsbhyve::disk
