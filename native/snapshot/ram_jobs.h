// SPDX-License-Identifier: BSD-2-Clause
// What is done with the RAM file of a snapshot. Every job moves at most `run_pages` pages at once and holds no more.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "snapshot/digest.h"
#include "snapshot/job.h"
#include "snapshot/page_set.h"
#include "snapshot/ram_image.h"

namespace tsbhyve::snapshot {

/// A job that makes a RAM file.
class MakeRam : public Job {
 public:
  /// Pages that are in the file; the others of the snapshot are zero.
  const PageSet& stored() const { return stored_; }
  const DigestBytes& digest() const { return digest_; }

 protected:
  explicit MakeRam(RamImage image) : image_(std::move(image)), stored_(image_.pages()) {}
  MakeRam(RamImage image, PageSet stored) : image_(std::move(image)), stored_(std::move(stored)) {}
  /// The pages among these that are not zero.
  PageSet not_zero(const GuestRam& ram, const std::optional<PageSet>& pages) const;
  /// Sizes the file and takes space for these pages.
  void prepare(const File& file, const PageSet& pages) const;
  /// Digest of the stored pages, read from the file.
  DigestBytes digest_of(const File& file) const;

  RamImage image_;
  PageSet stored_;
  DigestBytes digest_{};
};

/// Writes memory that stands still, all of it or only the pages in `present`, and syncs the file.
class WriteRam final : public MakeRam {
 public:
  WriteRam(std::shared_ptr<GuestRam> ram, File file, std::optional<PageSet> present);
  ~WriteRam() override { stop(); }

 private:
  void work() override;
  void release() override;

  std::shared_ptr<GuestRam> ram_;
  File file_;
  std::optional<PageSet> present_;
};

/// Writes `pages` over what earlier rounds have put into the file, and adds those that are not zero to `stored`. Memory
/// may change meanwhile: pages that do are written again by a later round. Digest and sync are left to `SealRam`.
class CopyRam final : public MakeRam {
 public:
  CopyRam(std::shared_ptr<GuestRam> ram, File file, std::optional<PageSet> pages, PageSet stored);
  ~CopyRam() override { stop(); }

 private:
  void work() override;
  void release() override;

  std::shared_ptr<GuestRam> ram_;
  File file_;
  std::optional<PageSet> pages_;
};

/// Makes the digest of a file that rounds of `CopyRam` have filled, and syncs it.
class SealRam final : public MakeRam {
 public:
  SealRam(RamImage image, File file, PageSet stored);
  ~SealRam() override { stop(); }

 private:
  void work() override;
  void release() override { file_.close(); }

  File file_;
};

/// One file of a chain. `present` is empty for a full one.
struct Layer {
  File file;
  std::optional<PageSet> present;
  PageSet stored;
};

/// Makes one full file of a chain, newest layer first.
class MergeRam final : public MakeRam {
 public:
  MergeRam(RamImage image, File file, std::vector<Layer> layers);
  ~MergeRam() override { stop(); }

 private:
  void work() override;
  void release() override;

  File file_;
  std::vector<Layer> layers_;
};

/// Reads a layer into memory and compares its digest. Memory under a full layer must be zero before.
class ReadRam final : public Job {
 public:
  ReadRam(std::shared_ptr<GuestRam> ram, Layer layer, const DigestBytes& expected);
  ~ReadRam() override { stop(); }

 private:
  void work() override;
  void release() override;

  RamImage image_;
  std::shared_ptr<GuestRam> ram_;
  Layer layer_;
  DigestBytes expected_;
};

/// Compares a file with its digest, and its other pages with zero: a mapping shows those too.
class VerifyRam final : public Job {
 public:
  VerifyRam(RamImage image, File file, PageSet stored, const DigestBytes& expected);
  ~VerifyRam() override { stop(); }

 private:
  void work() override;
  void release() override { file_.close(); }
  void check_holes(std::vector<std::uint8_t>& buffer);

  RamImage image_;
  File file_;
  PageSet stored_;
  DigestBytes expected_;
};

bool is_zero(const std::uint8_t* bytes, std::size_t length);
void expect_size(const File& file, const RamImage& image);
void expect_digest(const DigestBytes& actual, const DigestBytes& expected);

}  // namespace tsbhyve::snapshot
