// SPDX-License-Identifier: BSD-2-Clause
#include <cstring>

#include "snapshot/ram_jobs.h"

namespace tsbhyve::snapshot {

bool is_zero(const std::uint8_t* bytes, std::size_t length) {
  return length == 0 || (bytes[0] == 0 && std::memcmp(bytes, bytes + 1, length - 1) == 0);
}

void expect_size(const File& file, const RamImage& image) {
  const std::uint64_t size = file.size();
  if (size == image.file_bytes()) return;
  throw Failure{"ERR_TRUNCATED", 0,
                "expected " + std::to_string(image.file_bytes()) + " bytes, got " + std::to_string(size)};
}

void expect_digest(const DigestBytes& actual, const DigestBytes& expected) {
  if (actual != expected) throw Failure{"ERR_DIGEST", 0, "the contents do not match their digest"};
}

ReadRam::ReadRam(std::shared_ptr<GuestRam> ram, Layer layer, const DigestBytes& expected)
    : image_(*ram), ram_(std::move(ram)), layer_(std::move(layer)), expected_(expected) {}

void ReadRam::work() {
  expect(layer_.stored.count() * page_bytes);
  expect_size(layer_.file, image_);
  if (layer_.present) {
    image_.for_each_run(
        run_pages, [this](std::uint64_t page) { return layer_.present->has(page) && !layer_.stored.has(page); },
        [this](std::uint64_t first, std::uint64_t pages, std::uint64_t) {
          check_cancel();
          std::memset(host_page(*ram_, first), 0, pages * page_bytes);
        });
  }
  Digest digest;
  image_.for_each_run(
      run_pages, [this](std::uint64_t page) { return layer_.stored.has(page); },
      [&](std::uint64_t first, std::uint64_t pages, std::uint64_t offset) {
        std::uint8_t* host = host_page(*ram_, first);
        layer_.file.read(host, pages * page_bytes, offset);
        digest.update(host, pages * page_bytes);
        advance(pages * page_bytes);
      });
  expect_digest(digest.finish(), expected_);
}

void ReadRam::release() {
  layer_.file.close();
  ram_.reset();
}

VerifyRam::VerifyRam(RamImage image, File file, PageSet stored, const DigestBytes& expected)
    : image_(std::move(image)), file_(std::move(file)), stored_(std::move(stored)), expected_(expected) {}

void VerifyRam::work() {
  expect(stored_.count() * page_bytes);
  expect_size(file_, image_);
  std::vector<std::uint8_t> buffer(run_pages * page_bytes);
  Digest digest;
  image_.for_each_run(
      run_pages, [this](std::uint64_t page) { return stored_.has(page); },
      [&](std::uint64_t, std::uint64_t pages, std::uint64_t offset) {
        file_.read(buffer.data(), pages * page_bytes, offset);
        digest.update(buffer.data(), pages * page_bytes);
        advance(pages * page_bytes);
      });
  expect_digest(digest.finish(), expected_);
  check_holes(buffer);
}

void VerifyRam::check_holes(std::vector<std::uint8_t>& buffer) {
  std::uint64_t data = 0;  // no data lies between the last place asked for and here
  image_.for_each_run(
      run_pages, [this](std::uint64_t page) { return !stored_.has(page); },
      [&](std::uint64_t, std::uint64_t pages, std::uint64_t offset) {
        check_cancel();
        const std::uint64_t end = offset + pages * page_bytes;
        if (data < offset) data = file_.next_data(offset, image_.file_bytes());
        if (data >= end) return;
        file_.read(buffer.data(), end - offset, offset);
        if (!is_zero(buffer.data(), end - offset)) {
          throw Failure{"ERR_DIGEST", 0, "a page that should be zero at byte " + std::to_string(offset) + " is not"};
        }
      });
}

}  // namespace tsbhyve::snapshot
