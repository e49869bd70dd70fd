// SPDX-License-Identifier: BSD-2-Clause
// Long work on the files of layered images, on threads of its own.
#pragma once

#include <optional>
#include <vector>

#include "disk/layer_file.h"
#include "snapshot/digest.h"
#include "snapshot/job.h"

namespace tsbhyve::disk {

struct LayerSource {
  snapshot::File file;
  LayerId id;
};

/// Where the blocks go.
struct CopyTarget {
  snapshot::File file;
  /// Of an empty layer; none: a plain image.
  std::optional<LayerId> id;
  /// The file is one hole: zeros need not be written.
  bool is_empty;
};

/// Copies what layers hold together, over a base or without one, into a layer or an image, and syncs that.
class CopyLayers final : public snapshot::Job {
 public:
  /// `sources` from the oldest.
  CopyLayers(std::optional<snapshot::File> base, std::vector<LayerSource> sources, std::uint64_t disk_bytes,
             CopyTarget target);
  ~CopyLayers() override { stop(); }

 protected:
  void work() override;
  void release() override;

 private:
  struct From {
    const snapshot::File* file;
    std::uint64_t data_offset;
  };

  void copy(const From& from, std::uint64_t offset, std::uint64_t bytes);
  void put_zeros(std::uint64_t offset, std::uint64_t bytes);

  std::optional<snapshot::File> base_;
  std::vector<LayerSource> sources_;
  std::uint64_t disk_bytes_;
  CopyTarget target_;
  /// While it works: the file that is written to, and where the disk begins in it.
  const snapshot::File* target_file_ = nullptr;
  std::uint64_t target_offset_ = 0;
  std::vector<std::uint8_t> buffer_;
};

/// XXH3-128 of what a file holds. Where its holes are makes no difference.
class DigestFile final : public snapshot::Job {
 public:
  explicit DigestFile(snapshot::File file) : file_(std::move(file)) {}
  ~DigestFile() override { stop(); }
  /// After the end.
  const snapshot::DigestBytes& digest() const { return digest_; }

 protected:
  void work() override;
  void release() override { file_.close(); }

 private:
  snapshot::File file_;
  snapshot::DigestBytes digest_{};
};

}  // namespace tsbhyve::disk
