// SPDX-License-Identifier: BSD-2-Clause
#include "snapshot/ram_jobs.h"

namespace tsbhyve::snapshot {

namespace {
constexpr std::uint64_t no_limit = ~std::uint64_t{0} >> 1;
constexpr std::uint32_t nowhere = ~std::uint32_t{0};
}  // namespace

void MakeRam::prepare(const File& file) {
  expect(stored_.count() * page_bytes);
  file.resize(image_.file_bytes());
  image_.for_each_run(
      no_limit, [this](std::uint64_t page) { return stored_.has(page); },
      [&](std::uint64_t, std::uint64_t pages, std::uint64_t offset) {
        check_cancel();
        file.reserve(offset, pages * page_bytes);
      });
}

WriteRam::WriteRam(std::shared_ptr<GuestRam> ram, File file, std::optional<PageSet> present)
    : MakeRam(RamImage(*ram)), ram_(std::move(ram)), file_(std::move(file)), present_(std::move(present)) {}

void WriteRam::find_stored() {
  image_.for_each_run(
      run_pages, [this](std::uint64_t page) { return !present_ || present_->has(page); },
      [this](std::uint64_t first, std::uint64_t pages, std::uint64_t) {
        check_cancel();
        const std::uint8_t* host = host_page(*ram_, first);
        for (std::uint64_t i = 0; i < pages; i++) {
          if (!is_zero(host + i * page_bytes, page_bytes)) stored_.add(first + i);
        }
      });
}

void WriteRam::work() {
  find_stored();
  prepare(file_);
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
  prepare(file_);
  Digest digest;
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
  // The digest goes over pages in page order, whichever layer they came from.
  image_.for_each_run(
      run_pages, [this](std::uint64_t page) { return stored_.has(page); },
      [&](std::uint64_t, std::uint64_t pages, std::uint64_t offset) {
        check_cancel();
        file_.read(buffer.data(), pages * page_bytes, offset);
        digest.update(buffer.data(), pages * page_bytes);
      });
  file_.sync();
  digest_ = digest.finish();
}

void MergeRam::release() {
  file_.close();
  layers_.clear();
}

}  // namespace tsbhyve::snapshot
