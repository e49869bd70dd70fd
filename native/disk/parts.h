// SPDX-License-Identifier: BSD-2-Clause
// Lists of memory pieces that a transfer goes through.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tsbhyve::disk {

std::uint64_t total_of(const iovec* parts, int count);
/// True if every piece begins and ends at a multiple of `alignment`, a power of two.
bool are_aligned(const iovec* parts, int count, std::size_t alignment);
void fill_zeros(const iovec* parts, int count);

/// Walks through pieces of memory from front to back.
class PartCursor {
 public:
  PartCursor(iovec* parts, int count);

  iovec* parts() { return parts_; }
  /// 0 at the end.
  int count() const { return count_; }
  /// Goes on by so many bytes, which have been moved.
  void skip(std::size_t bytes);
  /// Appends the next pieces, of that many bytes, and goes on.
  void take(std::size_t bytes, std::vector<iovec>& out);
  /// Copies that many bytes, and goes on.
  void gather(std::uint8_t* to, std::size_t bytes);
  void scatter(const std::uint8_t* from, std::size_t bytes);

 private:
  void skip_empty();
  template <class Visit>
  void visit(std::size_t bytes, Visit visit_piece);

  iovec* parts_;
  int count_;
};

}  // namespace tsbhyve::disk
