// SPDX-License-Identifier: BSD-2-Clause
// What the tests of this folder share.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace test {

inline void require(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "FAILED: %s\n", what.c_str());
  std::exit(1);
}

using Bytes = std::vector<std::uint8_t>;

/// Bytes that differ from place to place.
inline Bytes pattern(std::size_t length, unsigned seed = 1) {
  Bytes bytes(length);
  for (std::size_t at = 0; at < length; at++) bytes[at] = static_cast<std::uint8_t>(at * 31 + (at >> 8) * 7 + seed);
  return bytes;
}

/// A file without a name, for as long as this lives; in the folder of the test, because /tmp may know no O_DIRECT.
class TemporaryFile {
 public:
  explicit TemporaryFile(const Bytes& content, int flags = 0) {
    char path[] = "disk-test-XXXXXX";
    const int plain = mkstemp(path);
    if (plain < 0 || pwrite(plain, content.data(), content.size(), 0) != static_cast<ssize_t>(content.size())) {
      std::abort();
    }
    fd = open(path, O_RDWR | flags);
    plain_ = plain;
    unlink(path);
  }
  ~TemporaryFile() {
    if (fd >= 0) close(fd);
    close(plain_);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  Bytes content() const {
    Bytes bytes(static_cast<std::size_t>(lseek(plain_, 0, SEEK_END)));
    if (pread(plain_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
    return bytes;
  }
  void resize(std::size_t bytes) const {
    if (ftruncate(plain_, static_cast<off_t>(bytes)) != 0) std::abort();
  }

  /// -1 if the file system does not take these flags.
  int fd = -1;

 private:
  int plain_ = -1;
};

}  // namespace test
