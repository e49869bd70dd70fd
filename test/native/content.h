// SPDX-License-Identifier: BSD-2-Clause
// Files without a name, and bytes to fill them with.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

namespace test {

/// The descriptor of an empty file that goes with it.
inline int temporary_fd() {
  char path[] = "/tmp/tsbhyve-test-XXXXXX";
  const int fd = mkstemp(path);
  if (fd < 0) std::abort();
  unlink(path);
  return fd;
}

using Bytes = std::vector<std::uint8_t>;

/// Bytes that differ from place to place, from sector to sector, and with the seed.
inline Bytes pattern(std::size_t length, unsigned seed = 1) {
  Bytes bytes(length);
  for (std::size_t at = 0; at < length; at++) bytes[at] = static_cast<std::uint8_t>(at / 512 * 7 + at + seed);
  return bytes;
}

}  // namespace test
