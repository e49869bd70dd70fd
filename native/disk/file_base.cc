// SPDX-License-Identifier: BSD-2-Clause
#include "disk/file_base.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "disk/holes.h"
#include "disk/iovecs.h"

namespace tsbhyve::disk {

int FileBase::read(iovec* parts, int count, std::uint64_t offset) {
  return read_all(file_.fd(), std::vector<iovec>(parts, parts + count), offset);
}

int FileBase::write(iovec* parts, int count, std::uint64_t offset) {
  return settle(write_all(file_.fd(), std::vector<iovec>(parts, parts + count), offset));
}

int FileBase::flush() {
  if (has_lost_writes_) return EIO;
  if (fdatasync(file_.fd()) == 0) return 0;
  const int failure = errno;
  has_lost_writes_ = true;
  return failure;
}

int FileBase::discard(std::uint64_t offset, std::uint64_t length) {
  return settle(punch_hole(file_.fd(), offset, length));
}

int FileBase::zero(std::uint64_t offset, std::uint64_t length, bool unmap) {
  if (unmap && punch_hole(file_.fd(), offset, length) == 0) return settle(0);
  constexpr std::uint64_t at_once = 1024 * 1024;
  std::vector<std::uint8_t> zeros(std::min(length, at_once));
  for (std::uint64_t done = 0; done < length; done += zeros.size()) {
    const std::size_t part = std::min<std::uint64_t>(zeros.size(), length - done);
    if (const int failure = write_all(file_.fd(), {{zeros.data(), part}}, offset + done)) return failure;
  }
  return settle(0);
}

}  // namespace tsbhyve::disk
