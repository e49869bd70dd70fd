// SPDX-License-Identifier: BSD-2-Clause
#include "disk/layer_file.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "disk/crc32.h"
#include "disk/raw_space.h"
#include "disk/transfer.h"

namespace tsbhyve::disk {

namespace {

using snapshot::Failure;

constexpr std::uint64_t header_bytes = 4096, bitmap_page = 4096;
constexpr std::uint64_t words_of_page = bitmap_page / sizeof(std::uint64_t);
constexpr std::uint64_t blocks_of_word = 64;
constexpr std::uint32_t version = 1;
constexpr char magic[8] = {'T', 'S', 'B', 'L', 'A', 'Y', 'E', 'R'};

static_assert(std::endian::native == std::endian::little, "layers are little-endian");

/// As it lies in the file; zeros up to the checksum.
struct Header {
  char magic[8];
  std::uint32_t version;
  std::uint32_t block_bytes;
  std::uint64_t disk_bytes;
  std::uint8_t id[16];
  std::uint8_t reserved[4052];
  std::uint32_t checksum;  // CRC-32 of all before
};
static_assert(sizeof(Header) == header_bytes);

[[noreturn]] void refuse(const std::string& problem) { throw Failure{"ERR_LAYER", 0, problem}; }

void check_header(const Header& header, const LayerId& id, std::uint64_t disk_bytes) {
  if (std::memcmp(header.magic, magic, sizeof magic) != 0) refuse("not a layer of a disk");
  if (header.checksum != crc32(reinterpret_cast<const std::uint8_t*>(&header), offsetof(Header, checksum))) {
    refuse("the header does not match its checksum");
  }
  if (header.version != version || header.block_bytes != block_bytes) {
    refuse("written in version " + std::to_string(header.version) + " with blocks of " +
           std::to_string(header.block_bytes) + " bytes; expected version 1 with 4096");
  }
  if (std::memcmp(header.id, id.data(), id.size()) != 0) refuse("another layer than its name says");
  if (header.disk_bytes != disk_bytes) {
    refuse("made for a disk of " + std::to_string(header.disk_bytes) + " bytes; this one has " +
           std::to_string(disk_bytes));
  }
}

}  // namespace

LayerFile::LayerFile(snapshot::File file, const LayerId& id, std::uint64_t disk_bytes)
    : file_(std::move(file)), disk_bytes_(disk_bytes), flushes_([this] { return write_out(); }) {
  if (disk_bytes == 0 || disk_bytes > largest_disk) {
    refuse("a disk of " + std::to_string(disk_bytes) + " bytes; 1 to " + std::to_string(largest_disk) +
           " are accepted");
  }
  Header header;
  file_.read(reinterpret_cast<std::uint8_t*>(&header), sizeof header, 0);
  check_header(header, id, disk_bytes);
  blocks_ = (disk_bytes + block_bytes - 1) / block_bytes;
  words_ = (blocks_ + blocks_of_word - 1) / blocks_of_word;
  const std::uint64_t pages = (words_ + words_of_page - 1) / words_of_page;
  data_offset_ = header_bytes + pages * bitmap_page;
  if (file_.size() != data_offset_ + blocks_ * block_bytes) {
    refuse("expected " + std::to_string(data_offset_ + blocks_ * block_bytes) + " bytes, got " +
           std::to_string(file_.size()));
  }
  bitmap_ = std::make_unique<std::atomic<std::uint64_t>[]>(words_);
  unsaved_ = std::vector<std::atomic<bool>>(pages);
  read_bitmap();
}

void LayerFile::read_bitmap() {
  std::vector<std::uint64_t> words(words_of_page);
  const std::uint64_t end = data_offset_;
  for (std::uint64_t at = file_.next_data(header_bytes, end); at < end; at = file_.next_data(at + bitmap_page, end)) {
    at -= at % bitmap_page;  // the header and the bitmap begin at whole pages
    file_.read(reinterpret_cast<std::uint8_t*>(words.data()), bitmap_page, at);
    const std::uint64_t first = (at - header_bytes) / bitmap_page * words_of_page;
    for (std::uint64_t word = 0; word < words_of_page && first + word < words_; word++) {
      bitmap_[first + word].store(words[word], std::memory_order_relaxed);
    }
  }
  const std::uint64_t used = blocks_ % blocks_of_word;
  if (used == 0) return;
  // Blocks past the end of the disk do not exist, whatever a damaged file says.
  bitmap_[words_ - 1].fetch_and((std::uint64_t{1} << used) - 1, std::memory_order_relaxed);
}

bool LayerFile::has(std::uint64_t block) const {
  const std::uint64_t word = bitmap_[block / blocks_of_word].load(std::memory_order_acquire);
  return (word >> (block % blocks_of_word) & 1) != 0;
}

bool LayerFile::has_all(std::uint64_t first, std::uint64_t last) const {
  const BlockRun found = run(first, last - first + 1);
  return found.present && found.blocks == last - first + 1;
}

BlockRun LayerFile::run(std::uint64_t block, std::uint64_t limit) const {
  const bool present = has(block);
  const std::uint64_t end = std::min(blocks_, block + limit);
  std::uint64_t at = block;
  while (at < end) {
    const std::uint64_t word = bitmap_[at / blocks_of_word].load(std::memory_order_acquire);
    const auto shift = static_cast<int>(at % blocks_of_word);
    const std::uint64_t same = (present ? word : ~word) >> shift;
    const auto count =
        std::min(static_cast<std::uint64_t>(std::countr_one(same)), blocks_of_word - at % blocks_of_word);
    if (count == 0) break;
    at += count;
    if (at % blocks_of_word != 0) break;
  }
  return {present, std::min(at, end) - block};
}

void LayerFile::mark(std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t word = first / blocks_of_word; word <= last / blocks_of_word; word++) {
    std::uint64_t bits = ~std::uint64_t{0};
    if (word == first / blocks_of_word) bits &= ~std::uint64_t{0} << (first % blocks_of_word);
    if (word == last / blocks_of_word) bits &= ~std::uint64_t{0} >> (blocks_of_word - 1 - last % blocks_of_word);
    if ((bitmap_[word].fetch_or(bits, std::memory_order_release) & bits) != bits) {
      unsaved_[word / words_of_page].store(true, std::memory_order_release);
    }
  }
}

int LayerFile::read(std::vector<iovec> parts, std::uint64_t offset) const {
  return read_all(file_.fd(), std::move(parts), data_offset_ + offset);
}

int LayerFile::read_cached(const std::vector<iovec>& parts, std::uint64_t offset) const {
  return read_from_cache(file_.fd(), parts.data(), static_cast<int>(parts.size()), data_offset_ + offset);
}

int LayerFile::write(std::vector<iovec> parts, std::uint64_t offset) const {
  return write_all(file_.fd(), std::move(parts), data_offset_ + offset);
}

int LayerFile::punch(std::uint64_t first, std::uint64_t last) const {
  return punch_hole(file_.fd(), data_offset_ + first * block_bytes, (last - first + 1) * block_bytes);
}

int LayerFile::flush() { return flushes_.flush(); }

int LayerFile::write_out() {
  // Copied before the data is synced: a bit that is set meanwhile waits for the next flush.
  std::vector<std::pair<std::uint64_t, std::vector<std::uint64_t>>> changed;
  for (std::uint64_t page = 0; page < unsaved_.size(); page++) {
    if (!unsaved_[page].exchange(false, std::memory_order_acq_rel)) continue;
    std::vector<std::uint64_t> words(words_of_page);
    for (std::uint64_t word = 0; word < words_of_page && page * words_of_page + word < words_; word++) {
      words[word] = bitmap_[page * words_of_page + word].load(std::memory_order_acquire);
    }
    changed.emplace_back(page, std::move(words));
  }
  int failure = sync_data(file_.fd());
  for (const auto& [page, words] : changed) {
    if (failure == 0) failure = write_bitmap(page, words);
  }
  return failure == 0 && !changed.empty() ? sync_data(file_.fd()) : failure;
}

int LayerFile::write_bitmap(std::uint64_t page, const std::vector<std::uint64_t>& words) const {
  // The system only reads what it is told to write.
  return write_all(file_.fd(), {{const_cast<std::uint64_t*>(words.data()), bitmap_page}},
                   header_bytes + page * bitmap_page);
}

BlocksOf newest_with(std::span<const std::shared_ptr<LayerFile>> layers, std::uint64_t block, std::uint64_t limit) {
  for (auto layer = layers.rbegin(); layer != layers.rend(); layer++) {
    const BlockRun run = (*layer)->run(block, limit);
    if (run.present) return {layer->get(), run.blocks};
    limit = run.blocks;
  }
  return {nullptr, limit};
}

}  // namespace tsbhyve::disk
