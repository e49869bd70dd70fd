// SPDX-License-Identifier: BSD-2-Clause
// A disk of a base image and layers over it. All but the topmost are never written to; with no layer the base itself
// is.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "disk/disk_image.h"
#include "disk/layer_file.h"
#include "disk/range_lock.h"

namespace tsbhyve::disk {

using Layers = std::vector<std::shared_ptr<LayerFile>>;

class LayeredImage final : public DiskImage {
 public:
  /// `layers` from the oldest; the last is written to. With `sync` every change is on stable storage when it is done.
  LayeredImage(std::shared_ptr<DiskImage> base, std::uint64_t disk_bytes, Layers layers, bool sync);

  std::uint64_t disk_bytes() const { return disk_bytes_; }

  int read(iovec* parts, int count, std::uint64_t offset) override;
  int read_cached(const iovec* parts, int count, std::uint64_t offset) override;
  int write(iovec* parts, int count, std::uint64_t offset) override;
  int flush() override;
  int discard(std::uint64_t offset, std::uint64_t length) override;
  int zero(std::uint64_t offset, std::uint64_t length, bool unmap) override;

  /// What was on top is frozen from now on. No change may be in flight; everything is flushed first, errno if it fails.
  int push(std::shared_ptr<LayerFile> top);
  /// Takes back the latest `push`. Nothing may have been written since, and no change may be in flight.
  void pop();
  /// Puts one layer, of the same content, in place of frozen ones. Requests may be in flight.
  void replace(std::size_t first, std::size_t count, std::shared_ptr<LayerFile> merged);
  /// The layers now, from the oldest.
  Layers layers() const;

 private:
  using Stack = std::shared_ptr<const Layers>;

  Stack stack() const;
  void set(Layers layers);
  enum class Reading { Waits, FromCache };

  /// Reads what lies at `offset` with the newest `skip` layers left out; past the disk's end there are zeros.
  int read_below(const Layers& layers, std::size_t skip, iovec* parts, int count, std::uint64_t offset,
                 Reading reading = Reading::Waits);
  /// From the base if there is no `layer`.
  int read_piece(const LayerFile* layer, std::vector<iovec> piece, std::uint64_t offset, Reading reading);
  int write_new(const Layers& layers, iovec* parts, int count, std::uint64_t offset, std::uint64_t bytes);
  int zero_blocks(LayerFile& top, std::uint64_t first, std::uint64_t last);
  int write_zeros(const Layers& layers, std::uint64_t offset, std::uint64_t bytes);
  int settle(int result);

  const std::shared_ptr<DiskImage> base_;
  const std::uint64_t disk_bytes_;
  const bool sync_;
  mutable std::mutex changing_;
  Stack stack_;
  /// Blocks that come into the top layer: two threads may copy the rest of one block up.
  RangeLocks arriving_;
};

}  // namespace tsbhyve::disk
