// SPDX-License-Identifier: BSD-2-Clause
#include "disk/layer_jobs.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "disk/raw_space.h"

namespace tsbhyve::disk {

namespace {

using snapshot::Failure;
using snapshot::File;

constexpr std::uint64_t piece_bytes = 1024 * 1024, chunk_bytes = 64 * 1024;

bool is_zero(const std::uint8_t* bytes, std::uint64_t length) {
  return bytes[0] == 0 && std::memcmp(bytes, bytes + 1, length - 1) == 0;
}

std::string hex(const LayerId& id) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned byte : id) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::unique_ptr<LayerFile> open_layer(File file, const LayerId& id, std::uint64_t disk_bytes) {
  try {
    return std::make_unique<LayerFile>(std::move(file), id, disk_bytes);
  } catch (const Failure& failure) {
    throw Failure{failure.code, failure.number, "layer-" + hex(id) + ": " + failure.message};
  }
}

}  // namespace

CopyLayers::CopyLayers(std::optional<File> base, std::vector<LayerSource> sources, std::uint64_t disk_bytes,
                       CopyTarget target)
    : base_(std::move(base)), sources_(std::move(sources)), disk_bytes_(disk_bytes), target_(std::move(target)) {}

void CopyLayers::work() {
  expect(disk_bytes_);
  std::vector<std::shared_ptr<LayerFile>> layers;
  for (LayerSource& source : sources_) layers.push_back(open_layer(std::move(source.file), source.id, disk_bytes_));
  std::unique_ptr<LayerFile> made;
  if (target_.id) {
    made = open_layer(std::move(target_.file), *target_.id, disk_bytes_);
    target_offset_ = made->data_offset();
  }
  const File& target = made ? made->file() : target_.file;
  target_file_ = &target;
  if (!made && target.size() < disk_bytes_) throw Failure{"ERR_TRUNCATED", 0, "the image is smaller than the disk"};
  buffer_.resize(piece_bytes);
  const std::uint64_t all = (disk_bytes_ + block_bytes - 1) / block_bytes;
  for (std::uint64_t block = 0; block < all;) {
    const auto [source, blocks] = newest_with(layers, block, std::min(all - block, piece_bytes / block_bytes));
    const std::uint64_t offset = block * block_bytes, bytes = std::min(disk_bytes_ - offset, blocks * block_bytes);
    if (source) {
      copy({&source->file(), source->data_offset()}, offset, bytes);
      if (made) made->mark(block, block + blocks - 1);
    } else if (base_) {
      copy({&*base_, 0}, offset, bytes);
    }
    advance(bytes);
    block += blocks;
  }
  if (!made) {
    target.sync();
  } else if (const int failure = made->flush()) {
    errno = failure;
    snapshot::fail_errno("fdatasync");
  }
}

void CopyLayers::copy(const From& from, std::uint64_t offset, std::uint64_t bytes) {
  const std::uint64_t start = from.data_offset + offset;
  if (from.file->next_data(start, start + bytes) >= start + bytes) {
    put_zeros(offset, bytes);
    return;
  }
  from.file->read(buffer_.data(), bytes, start);
  for (std::uint64_t done = 0; done < bytes; done += chunk_bytes) {
    const std::uint64_t length = std::min(chunk_bytes, bytes - done);
    if (is_zero(&buffer_[done], length)) {
      put_zeros(offset + done, length);
    } else {
      target_file_->write(&buffer_[done], length, target_offset_ + offset + done);
    }
  }
}

void CopyLayers::put_zeros(std::uint64_t offset, std::uint64_t bytes) {
  if (target_.is_empty || punch_hole(target_file_->fd(), target_offset_ + offset, bytes) == 0) return;
  const std::vector<std::uint8_t> zeros(bytes);
  target_file_->write(zeros.data(), bytes, target_offset_ + offset);
}

void CopyLayers::release() {
  base_.reset();
  sources_.clear();
  target_.file.close();
  buffer_ = {};
}

void DigestFile::work() {
  const std::uint64_t size = file_.size();
  expect(size);
  snapshot::Digest digest;
  digest.update(reinterpret_cast<const std::uint8_t*>(&size), sizeof size);
  std::vector<std::uint8_t> buffer(chunk_bytes);
  for (std::uint64_t at = 0; at < size;) {
    std::uint64_t data = file_.next_data(at, size);
    data -= data % chunk_bytes;
    if (data > at) {
      const std::uint64_t skipped = std::min(data, size) - at;
      at += skipped;
      advance(skipped);
      continue;
    }
    const std::uint64_t length = std::min(chunk_bytes, size - at);
    file_.read(buffer.data(), length, at);
    if (!is_zero(buffer.data(), length)) {
      digest.update(reinterpret_cast<const std::uint8_t*>(&at), sizeof at);
      digest.update(buffer.data(), length);
    }
    at += length;
    advance(length);
  }
  digest_ = digest.finish();
}

}  // namespace tsbhyve::disk
