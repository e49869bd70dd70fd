// SPDX-License-Identifier: BSD-2-Clause
#include "disk/nbd_call.h"

#include <algorithm>

namespace tsbhyve::disk::nbd {
namespace {

/// A server answers in extents of its own file; each of them is a block at least, and a read has 4,096 sectors at most.
constexpr std::size_t kMostGaps = 4096;

}  // namespace

int send_request(Stream& stream, const Request& request, std::uint64_t cookie, Clock::time_point deadline) {
  std::uint8_t head[28];
  put(head, kRequestMagic);
  put(head + 4, request.flags);
  put(head + 6, static_cast<std::uint16_t>(request.command));
  put(head + 8, cookie);
  put(head + 16, request.offset);
  put(head + 24, request.length);
  std::vector<iovec> parts = {{head, sizeof head}};
  if (request.bytes) parts.push_back({const_cast<std::uint8_t*>(request.bytes->data()), request.bytes->size()});
  return stream.send(std::move(parts), deadline);
}

bool Coverage::add(std::uint64_t from, std::uint64_t to) {
  const auto next =
      std::lower_bound(ranges_.begin(), ranges_.end(), from, [](const Range& one, auto at) { return one.from < at; });
  if (next != ranges_.end() && next->from < to) return false;
  const bool touches_next = next != ranges_.end() && next->from == to;
  if (next != ranges_.begin()) {
    const auto before = next - 1;
    if (before->to > from) return false;
    if (before->to == from) {
      before->to = touches_next ? next->to : to;
      if (touches_next) ranges_.erase(next);
      return true;
    }
  }
  if (touches_next) {
    next->from = from;
  } else {
    ranges_.insert(next, {from, to});
  }
  return ranges_.size() <= kMostGaps;
}

bool Coverage::is_whole(std::uint64_t from, std::uint64_t to) const {
  return ranges_.size() == 1 && ranges_[0].from == from && ranges_[0].to == to;
}

std::vector<iovec> part_of(const std::vector<iovec>& memory, std::uint64_t start, std::uint64_t length) {
  std::vector<iovec> found;
  for (const iovec& one : memory) {
    if (length == 0) break;
    if (start >= one.iov_len) {
      start -= one.iov_len;
      continue;
    }
    const std::uint64_t bytes = std::min<std::uint64_t>(one.iov_len - start, length);
    found.push_back({static_cast<char*>(one.iov_base) + start, static_cast<std::size_t>(bytes)});
    length -= bytes;
    start = 0;
  }
  return found;
}

}  // namespace tsbhyve::disk::nbd
