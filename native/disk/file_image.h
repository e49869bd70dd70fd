// SPDX-License-Identifier: BSD-2-Clause
// A regular file whose bytes are those of a disk.
#pragma once

#include <atomic>

#include "disk/disk_image.h"
#include "snapshot/file.h"

namespace tsbhyve::disk {

class FileImage final : public DiskImage {
 public:
  explicit FileImage(snapshot::File file) : file_(std::move(file)) {}

  int read(iovec* parts, int count, std::uint64_t offset) override;
  int write(iovec* parts, int count, std::uint64_t offset) override;
  /// A failure is final: nobody knows what was lost.
  int flush() override;
  int discard(std::uint64_t offset, std::uint64_t length) override;
  int zero(std::uint64_t offset, std::uint64_t length, bool unmap) override;

 private:
  snapshot::File file_;
  std::atomic<bool> has_lost_writes_ = false;
};

}  // namespace tsbhyve::disk
