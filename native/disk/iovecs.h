// SPDX-License-Identifier: BSD-2-Clause
// Scattered memory: parts of it, and transfers that are whole or an errno.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <vector>

namespace tsbhyve::disk {

std::uint64_t total_bytes(const iovec* parts, int count);

/// Walks through scattered memory from its start.
class Cursor {
 public:
  Cursor(const iovec* parts, int count) : part_(parts), end_(parts + count) {}
  /// Appends the next `bytes` of memory to `out`; there must be as many.
  void take(std::uint64_t bytes, std::vector<iovec>& out);

 private:
  const iovec* part_;
  const iovec* end_;
  std::size_t used_ = 0;
};

/// Move all bytes at `offset` of the file. A file that ends before gives zeros: what it lacks was never written.
int read_all(int fd, std::vector<iovec> parts, std::uint64_t offset);
int write_all(int fd, std::vector<iovec> parts, std::uint64_t offset);
void fill_zeros(const std::vector<iovec>& parts);

}  // namespace tsbhyve::disk
