// SPDX-License-Identifier: BSD-2-Clause
// Layer files of strangers: every one is refused with a reason, or harmless. And the jobs on layers.
#include <fcntl.h>

#include "disk/layer_jobs.h"
#include "layers.h"

using namespace test;

namespace {

constexpr std::uint64_t disk = 70000 * 4096ull;  // three pages of bitmap

std::string refusal(const File& file, std::uint64_t disk_bytes = disk) {
  try {
    const LayerFile opened(File(file.fd()), id_of(1), disk_bytes);
    return "";
  } catch (const Failure& failure) {
    return failure.code;
  }
}

void hostile_headers() {
  const Bytes good = header_of(id_of(1), disk);
  for (std::size_t at = 0; at < good.size(); at++) {
    File file = layer_file(id_of(1), disk);
    Bytes bad = good;
    bad[at] ^= static_cast<std::uint8_t>(1 << at % 8);
    file.write(bad.data(), bad.size(), 0);
    CHECK(refusal(file) == "ERR_LAYER");
  }
  CHECK(refusal(layer_file(id_of(1), disk)).empty());
  CHECK(refusal(layer_file(id_of(2), disk)) == "ERR_LAYER");
  CHECK(refusal(layer_file(id_of(1), disk + 4096)) == "ERR_LAYER");
  CHECK(refusal(layer_file(id_of(1), disk), 0) == "ERR_LAYER");
  CHECK(refusal(layer_file(id_of(1), disk), ~std::uint64_t{0}) == "ERR_LAYER");
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{4095}}) {
    File file = layer_file(id_of(1), disk);
    file.resize(size);
    CHECK(refusal(file) == "ERR_TRUNCATED");
  }
  for (const std::int64_t more : {-4096, -1, 1}) {
    File file = layer_file(id_of(1), disk);
    file.resize(file.size() + static_cast<std::uint64_t>(more));
    CHECK(refusal(file) == "ERR_LAYER");
  }
}

void bits_past_the_end() {
  constexpr std::uint64_t small = 3 * 4096 + 512;
  File file = layer_file(id_of(1), small);
  const Bytes ones(4096, 0xff);
  file.write(ones.data(), ones.size(), 4096);
  LayerFile opened(File(file.fd()), id_of(1), small);
  CHECK(opened.run(0, 1000).blocks == 4 && opened.run(0, 1000).present);
}

void runs_and_marks() {
  LayerFile opened(layer_file(id_of(1), disk), id_of(1), disk);
  CHECK(!opened.run(0, 70000).present && opened.run(0, 70000).blocks == 70000);
  opened.mark(63, 64);
  opened.mark(32767, 33000);
  CHECK(opened.run(0, 70000).blocks == 63);
  CHECK(opened.run(63, 70000).present && opened.run(63, 70000).blocks == 2 && opened.run(63, 1).blocks == 1);
  CHECK(opened.run(65, 70000).blocks == 32767 - 65);
  CHECK(opened.has_all(32767, 33000) && !opened.has_all(32766, 33000) && !opened.has_all(32767, 33001));
}

void no_success_after_a_failed_flush() {
  const File file = layer_file(id_of(1), 8192);
  const int read_only = open(("/proc/self/fd/" + std::to_string(file.fd())).c_str(), O_RDONLY | O_CLOEXEC);
  LayerFile opened{File(read_only), id_of(1), 8192};
  close(read_only);
  opened.mark(0, 0);
  CHECK(opened.flush() == EBADF);
  CHECK(opened.flush() == EBADF);
}

std::string run(tsbhyve::snapshot::Job& job) {
  job.start();
  while (!job.wait(1000)) continue;
  return job.failure() ? job.failure()->code : "";
}

void copies() {
  constexpr std::uint64_t size = 600 * 4096 + 512;
  const Bytes content = pattern(size, 1);
  File base_file = temporary_file();
  base_file.write(content.data(), content.size(), 0);
  const File first = layer_file(id_of(1), size), second = layer_file(id_of(2), size);
  LayeredImage image(std::make_shared<MemoryBase>(content), size, {layer(first, 1, size)}, false);
  CHECK(write_at(image, pattern(300 * 4096, 7), 4096 + 512) == 0);
  CHECK(image.push(layer(second, 2, size)) == 0);
  CHECK(write_at(image, pattern(512, 8), size - 512) == 0);
  CHECK(image.zero(10 * 4096, 4096 * 300, true) == 0);
  CHECK(image.flush() == 0);
  const Bytes expected = content_of(image, size);
  const auto sources = [&] {
    std::vector<LayerSource> made;
    made.push_back({File(first.fd()), id_of(1)});
    made.push_back({File(second.fd()), id_of(2)});
    return made;
  };

  const File merged = layer_file(id_of(3), size);
  CopyLayers merge({}, sources(), size, {File(merged.fd()), id_of(3), true});
  CHECK(run(merge).empty() && merge.done() == size);
  image.replace(0, 2, layer(merged, 3, size));
  CHECK(content_of(image, size) == expected);
  CHECK(!layer(merged, 3, size)->has(599));
  CHECK(layer(merged, 3, size)->has(10));

  const auto content_in = [&](const File& file) {
    Bytes read(size);
    file.read(read.data(), size, 0);
    return read;
  };
  File exported = temporary_file();
  exported.resize(size);
  CopyLayers flatten(File(base_file.fd()), sources(), size, {File(exported.fd()), {}, true});
  CHECK(run(flatten).empty());
  CHECK(content_in(exported) == expected);
  CopyLayers commit({}, sources(), size, {File(base_file.fd()), {}, false});
  CHECK(run(commit).empty());
  CHECK(content_in(base_file) == expected);

  // Where the holes are makes no difference, what is in them does.
  DigestFile sparse{File(exported.fd())}, full{File(base_file.fd())};
  CHECK(run(sparse).empty() && run(full).empty());
  CHECK(sparse.digest() == full.digest());
  exported.resize(size + 4096);
  DigestFile longer{File(exported.fd())};
  CHECK(run(longer).empty() && longer.digest() != full.digest());

  std::vector<LayerSource> wrong = sources();
  wrong[0].id = id_of(9);
  CopyLayers refused({}, std::move(wrong), size, {File(exported.fd()), {}, false});
  CHECK(run(refused) == "ERR_LAYER");
  CopyLayers cancelled(File(base_file.fd()), sources(), size, {File(exported.fd()), {}, false});
  cancelled.cancel();
  CHECK(run(cancelled) == "ECANCELED");
}

}  // namespace

int main() {
  hostile_headers();
  bits_past_the_end();
  runs_and_marks();
  no_success_after_a_failed_flush();
  copies();
  return report();
}
