// SPDX-License-Identifier: BSD-2-Clause
#include "disk/parts.h"

#include <algorithm>
#include <cstring>

namespace tsbhyve::disk {

std::uint64_t total_of(const iovec* parts, int count) {
  std::uint64_t total = 0;
  for (int index = 0; index < count; index++) total += parts[index].iov_len;
  return total;
}

bool are_aligned(const iovec* parts, int count, std::size_t alignment) {
  return std::all_of(parts, parts + count, [alignment](const iovec& part) {
    return ((reinterpret_cast<std::uintptr_t>(part.iov_base) | part.iov_len) & (alignment - 1)) == 0;
  });
}

void fill_zeros(const iovec* parts, int count) {
  for (int index = 0; index < count; index++) std::memset(parts[index].iov_base, 0, parts[index].iov_len);
}

PartCursor::PartCursor(iovec* parts, int count) : parts_(parts), count_(count) { skip_empty(); }

void PartCursor::skip_empty() {
  while (count_ > 0 && parts_->iov_len == 0) {
    parts_++;
    count_--;
  }
}

void PartCursor::skip(std::size_t bytes) {
  while (bytes > 0 && count_ > 0) {
    const std::size_t step = std::min(bytes, parts_->iov_len);
    parts_->iov_base = static_cast<std::uint8_t*>(parts_->iov_base) + step;
    parts_->iov_len -= step;
    bytes -= step;
    skip_empty();
  }
}

template <class Visit>
void PartCursor::visit(std::size_t bytes, Visit visit_piece) {
  for (std::size_t done = 0; done < bytes && count_ > 0;) {
    const std::size_t step = std::min(bytes - done, parts_->iov_len);
    visit_piece(static_cast<std::uint8_t*>(parts_->iov_base), done, step);
    done += step;
    skip(step);
  }
}

void PartCursor::take(std::size_t bytes, std::vector<iovec>& out) {
  visit(bytes, [&out](std::uint8_t* piece, std::size_t, std::size_t step) { out.push_back({piece, step}); });
}

void PartCursor::gather(std::uint8_t* to, std::size_t bytes) {
  visit(bytes,
        [to](const std::uint8_t* piece, std::size_t at, std::size_t step) { std::memcpy(to + at, piece, step); });
}

void PartCursor::scatter(const std::uint8_t* from, std::size_t bytes) {
  visit(bytes, [from](std::uint8_t* piece, std::size_t at, std::size_t step) { std::memcpy(piece, from + at, step); });
}

}  // namespace tsbhyve::disk
