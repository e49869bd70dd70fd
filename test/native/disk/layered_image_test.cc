// SPDX-License-Identifier: BSD-2-Clause
// The layered image against plain memory: random work on odd sizes, several threads in the same blocks, reopening.
#include <sys/mman.h>

#include <random>
#include <thread>

#include "layers.h"
#include "snapshot/fault_guard.h"

using namespace test;

namespace {

constexpr std::uint64_t sector = 512;
/// Ends within a block, and takes more than one word of a bitmap.
constexpr std::uint64_t disk = 300 * 4096 + 3 * sector;

struct Subject {
  std::shared_ptr<MemoryBase> base = std::make_shared<MemoryBase>(pattern(disk, 3));
  std::vector<File> files;
  std::unique_ptr<LayeredImage> image;
  Bytes model = base->content;
  bool sync;

  explicit Subject(bool synchronous = false) : sync(synchronous) {
    files.push_back(layer_file(id_of(0), disk));
    image = std::make_unique<LayeredImage>(base, disk, Layers{layer(files[0], 0, disk)}, sync);
  }

  void push() {
    const auto number = static_cast<std::uint8_t>(files.size());
    files.push_back(layer_file(id_of(number), disk));
    CHECK(image->push(layer(files.back(), number, disk)) == 0);
  }

  /// As after a new start: what lies in the files is all there is.
  void reopen() {
    Layers layers;
    for (std::size_t i = 0; i < files.size(); i++)
      layers.push_back(layer(files[i], static_cast<std::uint8_t>(i), disk));
    image = std::make_unique<LayeredImage>(base, disk, std::move(layers), sync);
  }
};

void random_work(unsigned seed, bool sync) {
  std::mt19937 random(seed);
  const auto below = [&](std::uint64_t limit) { return random() % limit; };
  Subject subject(sync);
  int from_cache = 0;
  for (int step = 0; step < 600; step++) {
    const std::uint64_t offset = below(disk / sector) * sector;
    const std::uint64_t most = std::min<std::uint64_t>((disk - offset) / sector, below(4) == 0 ? 400 : 20);
    const std::uint64_t length = (1 + below(most)) * sector;
    const std::uint64_t kind = below(20);
    if (kind < 10) {
      const Bytes bytes = pattern(length, static_cast<std::uint8_t>(random()));
      CHECK(write_at(*subject.image, bytes, offset) == 0);
      std::copy(bytes.begin(), bytes.end(), subject.model.begin() + static_cast<std::ptrdiff_t>(offset));
    } else if (kind < 13) {
      CHECK(subject.image->zero(offset, length, kind == 10) == 0);
      std::fill_n(subject.model.begin() + static_cast<std::ptrdiff_t>(offset), length, std::uint8_t{0});
    } else if (kind < 15) {
      CHECK(subject.image->discard(offset, length) == 0);
      const Bytes now = content_of(*subject.image, disk);
      const auto begin = static_cast<std::ptrdiff_t>(offset), end = static_cast<std::ptrdiff_t>(offset + length);
      std::copy(now.begin() + begin, now.begin() + end, subject.model.begin() + begin);
      CHECK(now == subject.model);  // outside nothing changes
    } else if (kind == 15) {
      if (subject.files.size() < 6) subject.push();
    } else if (kind == 16) {
      CHECK(sync || subject.image->flush() == 0);
      subject.reopen();
    } else {
      Bytes piece(length, 0xee);
      iovec part = {piece.data(), length};
      CHECK(subject.image->read(&part, 1, offset) == 0);
      CHECK(std::equal(piece.begin(), piece.end(), subject.model.begin() + static_cast<std::ptrdiff_t>(offset)));
      Bytes cached(length, 0xee);
      part = {cached.data(), length};
      if (subject.image->read_cached(&part, 1, offset) != 0) continue;
      CHECK(cached == piece);
      from_cache++;
    }
  }
  CHECK(from_cache > 0);  // the base can always tell
  CHECK(content_of(*subject.image, disk) == subject.model);
  CHECK(subject.base->writes == 0);
}

/// Every thread owns one sector of each block, so whatever copies a neighbour's old sector up too late is seen.
void shared_blocks() {
  constexpr int threads = 4, rounds = 30;
  for (int round = 0; round < rounds; round++) {
    Subject subject;
    std::vector<std::thread> running;
    for (int number = 0; number < threads; number++) {
      running.emplace_back([&, number] {
        std::mt19937 random(static_cast<unsigned>(round * threads + number));
        for (std::uint64_t turn = 0; turn < 300; turn++) {
          const std::uint64_t block = (turn * 7 + random() % 3) % 300;
          const std::uint64_t offset = block * 4096 + static_cast<std::uint64_t>(number) * sector;
          const Bytes bytes(sector, static_cast<std::uint8_t>(0x10 * (number + 1)));
          CHECK(write_at(*subject.image, bytes, offset) == 0);
          Bytes back(sector);
          iovec part = {back.data(), sector};
          CHECK(subject.image->read(&part, 1, offset) == 0);
          CHECK(back == bytes);
          if (turn % 64 == 0) CHECK(subject.image->flush() == 0);
        }
      });
    }
    for (std::thread& thread : running) thread.join();
    CHECK(subject.image->flush() == 0);
    const Bytes before = content_of(*subject.image, disk);
    subject.reopen();
    CHECK(content_of(*subject.image, disk) == before);
    for (std::uint64_t at = 0; at < disk; at++) {
      const bool owned = at % 4096 < threads * sector;
      const auto mark = static_cast<std::uint8_t>(0x10 * (at % 4096 / sector + 1));
      if (before[at] != subject.model[at] && !(owned && before[at] == mark)) {
        CHECK(!"a sector holds what nobody wrote");
        break;
      }
    }
  }
}

void unflushed_blocks_are_not_seen() {
  Subject subject;
  CHECK(write_at(*subject.image, pattern(4096, 9), 4096) == 0);
  subject.reopen();
  CHECK(content_of(*subject.image, disk) == subject.model);
  // What the crash left in the file must not come to light when the block becomes zero.
  CHECK(subject.image->zero(4096, 4096, false) == 0);
  std::fill_n(subject.model.begin() + 4096, 4096, std::uint8_t{0});
  CHECK(content_of(*subject.image, disk) == subject.model);
}

void stack_changes() {
  Subject subject;
  CHECK(write_at(*subject.image, pattern(8192, 1), 4096) == 0);
  subject.push();
  const Bytes frozen = content_of(*subject.image, disk);
  subject.image->pop();
  subject.files.pop_back();
  CHECK(content_of(*subject.image, disk) == frozen);
  CHECK(write_at(*subject.image, pattern(512, 2), 0) == 0);
  const Bytes now = content_of(*subject.image, disk);
  subject.push();
  subject.push();
  subject.image->replace(0, 2, layer(subject.files[0], 0, disk));
  CHECK(subject.image->layers().size() == 2);
  CHECK(content_of(*subject.image, disk) == now);
}

void no_layer_is_the_base() {
  auto base = std::make_shared<MemoryBase>(pattern(8192, 5));
  LayeredImage image(base, 8192, {}, false);
  CHECK(content_of(image, 8192) == base->content);
  CHECK(write_at(image, Bytes(512), 0) == EROFS);
  CHECK(image.zero(0, 512, true) == EROFS && image.discard(0, 512) == EROFS && image.flush() == 0);
  CHECK(base->writes == 3);
}

/// As guest memory that a snapshot's file lies under, when that is cut short.
void memory_that_is_gone() {
  const File file = temporary_file();
  const Bytes content(8192, 0x5a);
  file.write(content.data(), content.size(), 0);
  auto* const memory =
      static_cast<std::uint8_t*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.fd(), 0));
  {
    const tsbhyve::snapshot::FaultGuard guard(memory, 8192);
    file.resize(4096);
    Subject subject;
    iovec all = {memory, 8192};
    CHECK(subject.image->write(&all, 1, 0) == 0);
    Bytes expected(4096, 0x5a);
    expected.resize(8192);
    Bytes found = content_of(*subject.image, disk);
    found.resize(8192);
    CHECK(found == expected);
  }
  munmap(memory, 8192);
}

}  // namespace

int main() {
  for (unsigned seed = 1; seed <= 20; seed++) random_work(seed, seed % 5 == 0);
  shared_blocks();
  unflushed_blocks_are_not_seen();
  stack_changes();
  no_layer_is_the_base();
  memory_that_is_gone();
  return report();
}
