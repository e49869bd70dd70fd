// SPDX-License-Identifier: BSD-2-Clause
// One layer of a disk image: which blocks it has, and their data. A sparse file of a header, a bitmap and the blocks,
// each at its own place. src/host/disk/layers/layer-file.ts makes empty ones.
#pragma once

#include <sys/uio.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "disk/flush_once.h"
#include "snapshot/file.h"

namespace tsbhyve::disk {

inline constexpr std::uint64_t block_bytes = 4096;
/// A bitmap in memory takes 512 MiB then.
inline constexpr std::uint64_t largest_disk = std::uint64_t{16} << 40;

using LayerId = std::array<std::uint8_t, 16>;

/// Blocks one after the other that a layer has, or that it has not.
struct BlockRun {
  bool present;
  std::uint64_t blocks;
};

/// Reads and writes may be called from several threads. Numbers are errnos, 0: done.
class LayerFile {
 public:
  /// Throws `Failure` if this is not the layer with this id for a disk of this size.
  LayerFile(snapshot::File file, const LayerId& id, std::uint64_t disk_bytes);

  const snapshot::File& file() const { return file_; }
  std::uint64_t blocks() const { return blocks_; }
  std::uint64_t disk_bytes() const { return disk_bytes_; }
  /// Where the disk's first byte lies in the file.
  std::uint64_t data_offset() const { return data_offset_; }

  bool has(std::uint64_t block) const;
  bool has_all(std::uint64_t first, std::uint64_t last) const;
  /// From `block` on, at most `limit` blocks.
  BlockRun run(std::uint64_t block, std::uint64_t limit) const;
  /// After the data was written. It is on stable storage with the next `flush`.
  void mark(std::uint64_t first, std::uint64_t last);

  int read(std::vector<iovec> parts, std::uint64_t offset) const;
  /// EAGAIN where that would wait; native/disk/disk_image.h.
  int read_cached(const std::vector<iovec>& parts, std::uint64_t offset) const;
  int write(std::vector<iovec> parts, std::uint64_t offset) const;
  /// Whole blocks read as zeros and take no space; EOPNOTSUPP where the file system cannot do that.
  int punch(std::uint64_t first, std::uint64_t last) const;
  /// Data first and then the bitmap, so that no block is ever seen before it is there. A failure is final: nobody knows
  /// what was lost.
  int flush();

 private:
  void read_bitmap();
  int write_out();
  int write_bitmap(std::uint64_t page, const std::vector<std::uint64_t>& words) const;

  snapshot::File file_;
  std::uint64_t disk_bytes_, blocks_, data_offset_, words_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> bitmap_;
  /// One for each 4 KiB of the bitmap: it differs from the file.
  std::vector<std::atomic<bool>> unsaved_;
  FlushOnce flushes_;
};

/// Blocks one after the other that have the same place.
struct BlocksOf {
  /// None: the base has them.
  const LayerFile* layer;
  std::uint64_t blocks;
};

/// The newest layer that has a block, and how many of the next blocks, at most `limit`, lie there too. `layers` from
/// the oldest.
BlocksOf newest_with(std::span<const std::shared_ptr<LayerFile>> layers, std::uint64_t block, std::uint64_t limit);

}  // namespace tsbhyve::disk
