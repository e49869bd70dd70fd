// SPDX-License-Identifier: BSD-2-Clause
#include "snapshot/ram_jobs.h"

namespace tsbhyve::snapshot {

namespace {
constexpr std::uint64_t no_limit = ~std::uint64_t{0} >> 1;
constexpr std::uint32_t nowhere = ~std::uint32_t{0};
}  // namespace

PageSet MakeRam::not_zero(const GuestRam& ram, const std::optional<PageSet>& pages) const {
  PageSet found(image_.pages());
  image_.for_each_run(
      run_pages, [&](std::uint64_t page) { return !pages || pages->has(page); },
      [&](std::uint64_t first, std::uint64_t count, std::uint64_t) {
        check_cancel();
        const std::uint8_t* host = host_page(ram, first);
        for (std::uint64_t i = 0; i < count; i++) {
          if (!is_zero(host + i * page_bytes, page_bytes)) found.add(first + i);
        }
      });
  return found;
}

void MakeRam::prepare(const File& file, const PageSet& pages) const {
  if (file.size() != image_.file_bytes()) file.resize(image_.file_bytes());
  image_.for_each_run(
      no_limit, [&](std::uint64_t page) { return pages.has(page); },
      [&](std::uint64_t, std::uint64_t count, std::uint64_t offset) {
        check_cancel();
        file.reserve(offset, count * page_bytes);
      });
}

DigestBytes MakeRam::digest_of(const File& file) const {
  Digest digest;
  std::vector<std::uint8_t> buffer(run_pages * page_bytes);
  image_.for_each_run(
      run_pages, [this](std::uint64_t page) { return stored_.has(page); },
      [&](std::uint64_t, std::uint64_t pages, std::uint64_t offset) {
        check_cancel();
        file.read(buffer.data(), pages * page_bytes, offset);
        digest.update(buffer.data(), pages * page_bytes);
      });
  return digest.finish();
}

WriteRam::WriteRam(std::shared_ptr<GuestRam> ram, File file, std::optional<PageSet> present)
    : MakeRam(RamImage(*ram)), ram_(std::move(ram)), file_(std::move(file)), present_(std::move(present)) {}

void WriteRam::work() {
  stored_ = not_zero(*ram_, present_);
  expect(stored_.count() * page_bytes);
  prepare(file_, stored_);
  Digest digest;
  image_.for_each_run(
      run_pages, [this](std::uint64_t page) { return stored_.has(page); },
      [&](std::uint64_t first, std::uint64_t pages, std::uint64_t offset) {
        const std::uint8_t* host = host_page(*ram_, first);
        const std::uint64_t bytes = pages * page_bytes;
        digest.update(host, bytes);
        file_.write(host, bytes, offset);
        advance(bytes);
      });
  file_.sync();
  digest_ = digest.finish();
}

void WriteRam::release() {
  file_.close();
  ram_.reset();
}

CopyRam::CopyRam(std::shared_ptr<GuestRam> ram, File file, std::optional<PageSet> pages, PageSet stored)
    : MakeRam(RamImage(*ram), std::move(stored)),
      ram_(std::move(ram)),
      file_(std::move(file)),
      pages_(std::move(pages)) {}

void CopyRam::work() {
  const PageSet filled = not_zero(*ram_, pages_);
  // A page that has become zero must not keep what an earlier round has written.
  const auto wanted = [&](std::uint64_t page) {
    return filled.has(page) || (stored_.has(page) && (!pages_ || pages_->has(page)));
  };
  PageSet fresh(image_.pages());
  std::uint64_t total = 0;
  for (std::uint64_t page = 0; page < image_.pages(); page++) {
    if (!wanted(page)) continue;
    total += page_bytes;
    if (!stored_.has(page)) fresh.add(page);
  }
  expect(total);
  prepare(file_, fresh);
  image_.for_each_run(run_pages, wanted, [&](std::uint64_t first, std::uint64_t pages, std::uint64_t offset) {
    file_.write(host_page(*ram_, first), pages * page_bytes, offset);
    advance(pages * page_bytes);
  });
  stored_.add(fresh);
}

void CopyRam::release() {
  file_.close();
  ram_.reset();
}

SealRam::SealRam(RamImage image, File file, PageSet stored)
    : MakeRam(std::move(image), std::move(stored)), file_(std::move(file)) {}

void SealRam::work() {
  expect_size(file_, image_);
  digest_ = digest_of(file_);
  file_.sync();
}

MergeRam::MergeRam(RamImage image, File file, std::vector<Layer> layers)
    : MakeRam(std::move(image)), file_(std::move(file)), layers_(std::move(layers)) {}

void MergeRam::work() {
  std::vector<std::uint32_t> source(image_.pages(), nowhere);
  for (std::uint64_t page = 0; page < image_.pages(); page++) {
    for (std::uint32_t index = 0; index < layers_.size(); index++) {
      const Layer& layer = layers_[index];
      if (layer.present && !layer.present->has(page)) continue;
      if (layer.stored.has(page)) {
        source[page] = index;
        stored_.add(page);
      }
      break;
    }
  }
  for (const Layer& layer : layers_) expect_size(layer.file, image_);
  expect(stored_.count() * page_bytes);
  prepare(file_, stored_);
  std::vector<std::uint8_t> buffer(run_pages * page_bytes);
  for (std::uint32_t index = 0; index < layers_.size(); index++) {
    image_.for_each_run(
        run_pages, [&](std::uint64_t page) { return source[page] == index; },
        [&](std::uint64_t, std::uint64_t pages, std::uint64_t offset) {
          layers_[index].file.read(buffer.data(), pages * page_bytes, offset);
          file_.write(buffer.data(), pages * page_bytes, offset);
          advance(pages * page_bytes);
        });
  }
  digest_ = digest_of(file_);  // over pages in page order, whichever layer they came from
  file_.sync();
}

void MergeRam::release() {
  file_.close();
  layers_.clear();
}

}  // namespace tsbhyve::snapshot
