// SPDX-License-Identifier: BSD-2-Clause
#include "disk/raw_image.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

#include "disk/buffer.h"
#include "disk/raw_space.h"
#include "disk/zeros.h"

namespace tsbhyve::disk {

namespace {

constexpr std::uint64_t sector = 512;

/// The smallest length and address that the host accepts without its cache.
std::size_t direct_alignment(int fd) {
  const Buffer buffer = make_buffer(2 * page);
  for (std::size_t alignment = sector; alignment < page; alignment *= 2) {
    if (pread(fd, buffer.get() + alignment, alignment, 0) >= 0) return alignment;
    if (errno != EINVAL) break;
  }
  return page;
}

}  // namespace

RawImage::RawImage(int fd, bool direct)
    : fd_(fcntl(fd, F_DUPFD_CLOEXEC, 0)), flushes_([this] { return sync_data(fd_); }) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "dup");
  try {
    const MediumSize medium = medium_size(fd_);
    is_device_ = medium.is_device;
    capacity_ = medium.bytes - medium.bytes % sector;
    if (capacity_ == 0) {
      throw std::invalid_argument(std::to_string(medium.bytes) + " bytes; at least 512 are accepted");
    }
    if (direct) alignment_ = direct_alignment(fd_);
    if (!is_aligned(capacity_, 0)) {
      throw std::invalid_argument(std::to_string(medium.bytes) +
                                  " bytes; past the host's cache (nocache) multiples of " + std::to_string(alignment_) +
                                  " are accepted");
    }
  } catch (...) {
    close(fd_);
    throw;
  }
}

RawImage::~RawImage() { close(fd_); }

bool RawImage::can_discard() const { return can_give_back(fd_, is_device_, capacity_); }

bool RawImage::is_within(std::uint64_t offset, std::uint64_t length) const {
  return offset <= capacity_ && length <= capacity_ - offset;
}

bool RawImage::is_aligned(std::uint64_t offset, std::uint64_t length) const {
  return ((offset | length) & (alignment_ - 1)) == 0;
}

int RawImage::read(iovec* parts, int count, std::uint64_t offset) { return transfer(Way::Read, parts, count, offset); }

int RawImage::read_cached(const iovec* parts, int count, std::uint64_t offset) {
  if (alignment_ > 1 || !is_within(offset, total_of(parts, count))) return EAGAIN;
  return read_from_cache(fd_, parts, count, offset);
}

int RawImage::write(iovec* parts, int count, std::uint64_t offset) {
  return transfer(Way::Write, parts, count, offset);
}

int RawImage::flush() { return flushes_.flush(); }

int RawImage::transfer(Way way, iovec* parts, int count, std::uint64_t offset) {
  const std::uint64_t length = total_of(parts, count);
  if (!is_within(offset, length)) return EINVAL;
  PartCursor cursor(parts, count);
  Several several(block_lock_, std::defer_lock);
  std::unique_lock alone(block_lock_, std::defer_lock);
  if (way == Way::Write && alignment_ > 1) {
    if (is_aligned(offset, length)) {
      several.lock();
    } else {
      alone.lock();
    }
  }
  if (is_aligned(offset, length) && are_aligned(parts, count, alignment_))
    return transfer_in_place(way, cursor, offset);
  return transfer_through_buffer(way, cursor, offset, length);
}

int RawImage::transfer_in_place(Way way, PartCursor& cursor, std::uint64_t offset) {
  if (const int error = move_parts(way, fd_, cursor, offset)) return error;
  return cursor.count() == 0 ? 0 : EIO;  // the file ends here, shorter than it was
}

/// For memory that the host cannot move directly, and for pieces of blocks.
int RawImage::transfer_through_buffer(Way way, PartCursor& cursor, std::uint64_t offset, std::uint64_t length) {
  const std::uint64_t end = offset + length;
  const Buffer buffer = make_buffer(std::min<std::uint64_t>(buffer_bytes, length + 2 * alignment_));
  while (offset < end) {
    const std::uint64_t first = offset & ~(alignment_ - 1);
    const std::uint64_t stop = std::min(end, first + buffer_bytes);
    const std::uint64_t last = (stop + alignment_ - 1) & ~(alignment_ - 1);
    const std::size_t size = last - first;
    std::uint8_t* const wanted = buffer.get() + (offset - first);
    const bool is_whole = first == offset && last == stop;
    if (way == Way::Read || !is_whole) {
      if (const int error = move_buffer(Way::Read, buffer.get(), size, first)) return error;
    }
    if (way == Way::Read) {
      cursor.scatter(wanted, stop - offset);
    } else {
      cursor.gather(wanted, stop - offset);
      if (const int error = move_buffer(Way::Write, buffer.get(), size, first)) return error;
    }
    offset = stop;
  }
  return 0;
}

int RawImage::move_buffer(Way way, std::uint8_t* buffer, std::size_t length, std::uint64_t offset) {
  iovec part{buffer, length};
  PartCursor cursor(&part, 1);
  return transfer_in_place(way, cursor, offset);
}

int RawImage::discard(std::uint64_t offset, std::uint64_t length) {
  if (!is_within(offset, length)) return EINVAL;
  const Several several(block_lock_);
  return length == 0 ? 0 : give_back(fd_, is_device_, offset, length);
}

int RawImage::zero(std::uint64_t offset, std::uint64_t length, bool unmap) {
  if (!is_within(offset, length)) return EINVAL;
  if (length == 0) return 0;
  int error;
  {
    const Several several(block_lock_);
    error = make_zero(fd_, offset, length, unmap);
  }
  if (error != EOPNOTSUPP) return error;
  return write_zeros(offset, length,
                     [this](iovec* parts, int count, std::uint64_t at) { return write(parts, count, at); });
}

}  // namespace tsbhyve::disk
