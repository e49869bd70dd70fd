// SPDX-License-Identifier: BSD-2-Clause
#include "disk/layered_image.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "disk/parts.h"
#include "disk/zeros.h"

namespace tsbhyve::disk {

namespace {

std::uint64_t first_whole(std::uint64_t offset) { return (offset + block_bytes - 1) / block_bytes; }

}  // namespace

LayeredImage::LayeredImage(std::shared_ptr<DiskImage> base, std::uint64_t disk_bytes, Layers layers, bool sync)
    : base_(std::move(base)), disk_bytes_(disk_bytes), sync_(sync) {
  set(std::move(layers));
}

LayeredImage::Stack LayeredImage::stack() const {
  const std::lock_guard guard(changing_);
  return stack_;
}

void LayeredImage::set(Layers layers) {
  auto made = std::make_shared<const Layers>(std::move(layers));
  const std::lock_guard guard(changing_);
  stack_.swap(made);
}

Layers LayeredImage::layers() const { return *stack(); }

int LayeredImage::push(std::shared_ptr<LayerFile> top) {
  if (const int failure = flush()) return failure;
  Layers layers = *stack();
  layers.push_back(std::move(top));
  set(std::move(layers));
  return 0;
}

void LayeredImage::pop() {
  Layers layers = *stack();
  if (!layers.empty()) layers.pop_back();
  set(std::move(layers));
}

void LayeredImage::replace(std::size_t first, std::size_t count, std::shared_ptr<LayerFile> merged) {
  Layers layers = *stack();
  const auto at = layers.begin() + static_cast<std::ptrdiff_t>(first);
  layers.insert(layers.erase(at, at + static_cast<std::ptrdiff_t>(count)), std::move(merged));
  set(std::move(layers));
}

int LayeredImage::read(iovec* parts, int count, std::uint64_t offset) {
  const Stack layers = stack();
  if (layers->empty()) return base_->read(parts, count, offset);
  return read_below(*layers, 0, parts, count, offset);
}

int LayeredImage::read_cached(const iovec* parts, int count, std::uint64_t offset) {
  const Stack layers = stack();
  if (layers->empty()) return base_->read_cached(parts, count, offset);
  std::vector<iovec> own(parts, parts + count);
  return read_below(*layers, 0, own.data(), count, offset, Reading::FromCache);
}

int LayeredImage::read_below(const Layers& layers, std::size_t skip, iovec* parts, int count, std::uint64_t offset,
                             Reading reading) {
  const std::uint64_t end = std::min(offset + total_of(parts, count), disk_bytes_);
  PartCursor memory(parts, count);
  const std::span below(layers.data(), layers.size() - skip);
  while (offset < end) {
    const std::uint64_t block = offset / block_bytes;
    const auto [source, blocks] = newest_with(below, block, (end - 1) / block_bytes - block + 1);
    const std::uint64_t bytes = std::min(end, (block + blocks) * block_bytes) - offset;
    std::vector<iovec> piece;
    memory.take(bytes, piece);
    if (const int failure = read_piece(source, std::move(piece), offset, reading)) return failure;
    offset += bytes;
  }
  fill_zeros(memory.parts(), memory.count());
  return 0;
}

int LayeredImage::read_piece(const LayerFile* layer, std::vector<iovec> piece, std::uint64_t offset, Reading reading) {
  const int count = static_cast<int>(piece.size());
  if (reading == Reading::FromCache) {
    return layer ? layer->read_cached(piece, offset) : base_->read_cached(piece.data(), count, offset);
  }
  return layer ? layer->read(std::move(piece), offset) : base_->read(piece.data(), count, offset);
}

int LayeredImage::write(iovec* parts, int count, std::uint64_t offset) {
  const Stack layers = stack();
  if (layers->empty()) return settle(base_->write(parts, count, offset));
  const std::uint64_t bytes = total_of(parts, count);
  if (bytes == 0) return 0;
  LayerFile& top = *layers->back();
  if (top.has_all(offset / block_bytes, (offset + bytes - 1) / block_bytes)) {
    return settle(top.write(std::vector<iovec>(parts, parts + count), offset));
  }
  return settle(write_new(*layers, parts, count, offset, bytes));
}

/// Blocks that the top layer has not yet are written as a whole, with what the guest leaves of them copied up.
int LayeredImage::write_new(const Layers& layers, iovec* parts, int count, std::uint64_t offset, std::uint64_t bytes) {
  LayerFile& top = *layers.back();
  const std::uint64_t end = offset + bytes, first = offset / block_bytes, last = (end - 1) / block_bytes;
  const RangeLocks::Hold hold(arriving_, first, last);
  std::array<std::uint8_t, block_bytes> before, after;
  std::vector<iovec> whole;
  std::uint64_t start = offset;
  if (offset % block_bytes != 0 && !top.has(first)) {
    start = first * block_bytes;
    iovec rest = {before.data(), offset - start};
    whole.push_back(rest);
    if (const int failure = read_below(layers, 1, &rest, 1, start)) return failure;
  }
  PartCursor(parts, count).take(bytes, whole);
  if (end % block_bytes != 0 && !top.has(last)) {
    iovec rest = {after.data(), block_bytes - end % block_bytes};
    whole.push_back(rest);
    if (const int failure = read_below(layers, 1, &rest, 1, end)) return failure;
  }
  if (const int failure = top.write(std::move(whole), start)) return failure;
  top.mark(first, last);
  return 0;
}

int LayeredImage::flush() {
  const Stack layers = stack();
  return layers->empty() ? base_->flush() : layers->back()->flush();
}

int LayeredImage::discard(std::uint64_t offset, std::uint64_t length) {
  const Stack layers = stack();
  if (layers->empty()) return settle(base_->discard(offset, length));
  const std::uint64_t first = first_whole(offset);
  // The last block may be shorter than the others.
  const std::uint64_t end = offset + length == disk_bytes_ ? first_whole(disk_bytes_) : (offset + length) / block_bytes;
  if (first >= end) return 0;  // parts of blocks are kept
  const RangeLocks::Hold hold(arriving_, first, end - 1);
  LayerFile& top = *layers->back();
  if (const int failure = top.punch(first, end - 1)) return failure;
  top.mark(first, end - 1);
  return settle(0);
}

int LayeredImage::zero(std::uint64_t offset, std::uint64_t length, bool unmap) {
  const Stack layers = stack();
  if (layers->empty()) return settle(base_->zero(offset, length, unmap));
  const std::uint64_t stop = offset + length;
  const std::uint64_t first = std::min(first_whole(offset), first_whole(stop)), last = stop / block_bytes;
  if (first >= last) return settle(write_zeros(*layers, offset, length));
  if (const int failure = write_zeros(*layers, offset, first * block_bytes - offset)) return failure;
  if (const int failure = zero_blocks(*layers->back(), first, last - 1)) {
    if (failure != EOPNOTSUPP) return failure;
    if (const int second = write_zeros(*layers, first * block_bytes, (last - first) * block_bytes)) return second;
  }
  return settle(write_zeros(*layers, last * block_bytes, stop - last * block_bytes));
}

/// A hole may hold what was written and never flushed before a crash, so it is punched even where no block is present.
int LayeredImage::zero_blocks(LayerFile& top, std::uint64_t first, std::uint64_t last) {
  const RangeLocks::Hold hold(arriving_, first, last);
  if (const int failure = top.punch(first, last)) return failure;
  top.mark(first, last);
  return 0;
}

int LayeredImage::write_zeros(const Layers& layers, std::uint64_t offset, std::uint64_t bytes) {
  return disk::write_zeros(offset, bytes, [&](iovec* parts, int count, std::uint64_t at) {
    return write_new(layers, parts, count, at, total_of(parts, count));
  });
}

int LayeredImage::settle(int result) { return result == 0 && sync_ ? flush() : result; }

}  // namespace tsbhyve::disk
