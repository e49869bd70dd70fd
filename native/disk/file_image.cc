// SPDX-License-Identifier: BSD-2-Clause
#include "disk/file_image.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "disk/iovecs.h"

namespace tsbhyve::disk {

int FileImage::read(iovec* parts, int count, std::uint64_t offset) {
  return read_all(file_.fd(), {parts, parts + count}, offset);
}

int FileImage::write(iovec* parts, int count, std::uint64_t offset) {
  return write_all(file_.fd(), {parts, parts + count}, offset);
}

int FileImage::flush() {
  if (has_lost_writes_) return EIO;
  if (fdatasync(file_.fd()) == 0) return 0;
  has_lost_writes_ = true;
  return errno;
}

int FileImage::discard(std::uint64_t offset, std::uint64_t length) {
#ifdef __linux__
  const int mode = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE;
  return fallocate(file_.fd(), mode, static_cast<off_t>(offset), static_cast<off_t>(length)) == 0 ? 0 : errno;
#else
  return offset + length > 0 ? EOPNOTSUPP : 0;
#endif
}

int FileImage::zero(std::uint64_t offset, std::uint64_t length, bool unmap) {
  static std::array<std::uint8_t, 65536> zeros{};
  if (unmap && discard(offset, length) == 0) return 0;
  while (length > 0) {
    iovec part{zeros.data(), std::min<std::uint64_t>(length, zeros.size())};
    const std::uint64_t bytes = part.iov_len;
    if (const int failure = write(&part, 1, offset)) return failure;
    offset += bytes;
    length -= bytes;
  }
  return 0;
}

}  // namespace tsbhyve::disk
