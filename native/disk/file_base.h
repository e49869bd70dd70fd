// SPDX-License-Identifier: BSD-2-Clause
// The image file under layers: read for as long as there are some, and written to while there are none.
#pragma once

#include <atomic>

#include "disk/disk_image.h"
#include "snapshot/file.h"

namespace tsbhyve::disk {

class FileBase final : public DiskImage {
 public:
  FileBase(snapshot::File file, bool sync) : file_(std::move(file)), sync_(sync) {}

  int read(iovec* parts, int count, std::uint64_t offset) override;
  int write(iovec* parts, int count, std::uint64_t offset) override;
  int flush() override;
  int discard(std::uint64_t offset, std::uint64_t length) override;
  int zero(std::uint64_t offset, std::uint64_t length, bool unmap) override;

 private:
  int settle(int result) { return result == 0 && sync_ ? flush() : result; }

  snapshot::File file_;
  bool sync_;
  /// What a failed flush has lost cannot be flushed any more, so no later one may succeed.
  std::atomic<bool> has_lost_writes_ = false;
};

}  // namespace tsbhyve::disk
