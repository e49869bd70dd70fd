// SPDX-License-Identifier: BSD-2-Clause
// A raw image file or a block device.
#pragma once

#include <mutex>
#include <shared_mutex>

#include "disk/disk_image.h"
#include "disk/flush_once.h"
#include "disk/parts.h"
#include "disk/transfer.h"

namespace tsbhyve::disk {

class RawImage final : public DiskImage {
 public:
  /// Works on a duplicate of `fd`, whose locks it shares. Throws std::invalid_argument for what cannot be a disk, and
  /// std::system_error. `direct`: it was opened with O_DIRECT.
  RawImage(int fd, bool direct);
  ~RawImage() override;

  /// Bytes in whole sectors. Nothing makes it grow.
  std::uint64_t capacity() const { return capacity_; }
  /// Whether space can be given back, as far as that can be told without doing it.
  bool can_discard() const;

  int read(iovec* parts, int count, std::uint64_t offset) override;
  int read_cached(const iovec* parts, int count, std::uint64_t offset) override;
  int write(iovec* parts, int count, std::uint64_t offset) override;
  int flush() override;
  int discard(std::uint64_t offset, std::uint64_t length) override;
  int zero(std::uint64_t offset, std::uint64_t length, bool unmap) override;

 private:
  using Several = std::shared_lock<std::shared_mutex>;

  bool is_within(std::uint64_t offset, std::uint64_t length) const;
  bool is_aligned(std::uint64_t offset, std::uint64_t length) const;
  int transfer(Way way, iovec* parts, int count, std::uint64_t offset);
  int transfer_in_place(Way way, PartCursor& cursor, std::uint64_t offset);
  int transfer_through_buffer(Way way, PartCursor& cursor, std::uint64_t offset, std::uint64_t length);
  int move_buffer(Way way, std::uint8_t* buffer, std::size_t length, std::uint64_t offset);

  int fd_;
  std::uint64_t capacity_ = 0;
  bool is_device_ = false;
  /// What direct transfers must begin and end at; 1 if the cache of the host takes care of that.
  std::size_t alignment_ = 1;
  FlushOnce flushes_;
  /// Held alone by a write of less than a block, which reads the rest of it first, and together by all other changes.
  std::shared_mutex block_lock_;
};

}  // namespace tsbhyve::disk
