// SPDX-License-Identifier: BSD-2-Clause
// What the tests of layers share: empty ones, and a disk in memory as their base.
#pragma once

#include <unistd.h>

#include <cstring>
#include <mutex>

#include "../check.h"
#include "../content.h"
#include "disk/crc32.h"
#include "disk/layered_image.h"

namespace test {

using namespace tsbhyve::disk;
using tsbhyve::snapshot::Failure;
using tsbhyve::snapshot::File;

inline File temporary_file() {
  const int fd = temporary_fd();
  File file(fd);
  close(fd);
  return file;
}

inline LayerId id_of(std::uint8_t number) {
  LayerId id{};
  id.fill(number);
  return id;
}

inline std::uint64_t data_offset(std::uint64_t disk_bytes) {
  const std::uint64_t bits_of_page = 4096 * 8, blocks = (disk_bytes + 4095) / 4096;
  return 4096 + (blocks + bits_of_page - 1) / bits_of_page * 4096;
}

/// The header, as docs/decisions/0015-disk-layers.md has it.
inline Bytes header_of(const LayerId& id, std::uint64_t disk_bytes) {
  Bytes header(4096);
  const std::uint32_t version = 1, block = 4096;
  std::memcpy(&header[0], "TSBLAYER", 8);
  std::memcpy(&header[8], &version, 4);
  std::memcpy(&header[12], &block, 4);
  std::memcpy(&header[16], &disk_bytes, 8);
  std::memcpy(&header[24], id.data(), 16);
  const std::uint32_t sum = crc32(header.data(), 4092);
  std::memcpy(&header[4092], &sum, 4);
  return header;
}

inline File layer_file(const LayerId& id, std::uint64_t disk_bytes) {
  File file = temporary_file();
  const Bytes header = header_of(id, disk_bytes);
  file.write(header.data(), header.size(), 0);
  file.resize(data_offset(disk_bytes) + (disk_bytes + 4095) / 4096 * 4096);
  return file;
}

inline std::shared_ptr<LayerFile> layer(const File& file, std::uint8_t number, std::uint64_t disk_bytes) {
  return std::make_shared<LayerFile>(File(file.fd()), id_of(number), disk_bytes);
}

inline std::shared_ptr<LayerFile> new_layer(std::uint8_t number, std::uint64_t disk_bytes) {
  return layer(layer_file(id_of(number), disk_bytes), number, disk_bytes);
}

class MemoryBase final : public DiskImage {
 public:
  explicit MemoryBase(Bytes bytes) : content(std::move(bytes)) {}

  int read(iovec* parts, int count, std::uint64_t offset) override {
    for (int part = 0; part < count; part++) {
      if (offset + parts[part].iov_len > content.size()) return EINVAL;
      std::memcpy(parts[part].iov_base, &content[offset], parts[part].iov_len);
      offset += parts[part].iov_len;
    }
    return 0;
  }
  int read_cached(const iovec* parts, int count, std::uint64_t offset) override {
    std::vector<iovec> own(parts, parts + count);
    return read(own.data(), count, offset);
  }
  int write(iovec*, int, std::uint64_t) override { return writes++, EROFS; }
  int flush() override { return 0; }
  int discard(std::uint64_t, std::uint64_t) override { return writes++, EROFS; }
  int zero(std::uint64_t, std::uint64_t, bool) override { return writes++, EROFS; }

  Bytes content;
  int writes = 0;
};

inline Bytes content_of(DiskImage& image, std::uint64_t bytes) {
  Bytes read(bytes, 0xee);
  iovec parts[2] = {{read.data(), 512}, {read.data() + 512, bytes - 512}};
  CHECK(image.read(parts, 2, 0) == 0);
  return read;
}

inline int write_at(DiskImage& image, const Bytes& bytes, std::uint64_t offset) {
  Bytes copy = bytes;
  iovec part = {copy.data(), copy.size()};
  return image.write(&part, 1, offset);
}

}  // namespace test
