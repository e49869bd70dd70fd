// SPDX-License-Identifier: BSD-2-Clause
// What a server has taken but not yet put on stable storage, so that a server that starts anew can be given it again.
// Without it, a flush on the new connection would answer for writes that the old server lost (as NFS clients keep what
// is not committed).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "disk/nbd_call.h"

namespace tsbhyve::disk::nbd {

class Unflushed {
 public:
  /// Beyond either, somebody has to flush before more is written.
  static constexpr std::size_t kMostBytes = 32 << 20;
  static constexpr std::size_t kMostRequests = 4096;

  bool has_room() const { return bytes_ < kMostBytes && requests_.size() < kMostRequests; }

  void add(const Request& request) {
    requests_.push_back(request);
    bytes_ += size_of(request);
  }

  /// A flush that is sent now covers everything before this mark.
  std::uint64_t mark() const { return dropped_ + requests_.size(); }
  void drop_before(std::uint64_t mark) {
    for (; dropped_ < mark && !requests_.empty(); dropped_++) {
      bytes_ -= size_of(requests_.front());
      requests_.pop_front();
    }
  }

  /// In the order in which they were done.
  std::vector<Request> all() const { return {requests_.begin(), requests_.end()}; }

 private:
  static std::size_t size_of(const Request& request) { return request.bytes ? request.bytes->size() : 0; }

  std::deque<Request> requests_;
  std::size_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace tsbhyve::disk::nbd
