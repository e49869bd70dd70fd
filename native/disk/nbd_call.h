// SPDX-License-Identifier: BSD-2-Clause
// One request to an NBD server that somebody waits for.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "disk/nbd_protocol.h"
#include "disk/nbd_stream.h"

namespace tsbhyve::disk::nbd {

/// What a write has sent: shared with whoever may have to send it again.
using Bytes = std::shared_ptr<const std::vector<std::uint8_t>>;

struct Request {
  Command command;
  std::uint16_t flags = 0;
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
  Bytes bytes = nullptr;  // of a write
};

/// 0 or an errno.
int send_request(Stream& stream, const Request& request, std::uint64_t cookie, Clock::time_point deadline);

/// Which bytes of a read have come; a broken server may send some twice and others never.
class Coverage {
 public:
  /// False for what overlaps, or is in more pieces than anybody has a reason to send.
  bool add(std::uint64_t from, std::uint64_t to);
  bool is_whole(std::uint64_t from, std::uint64_t to) const;
  void clear() { ranges_.clear(); }

 private:
  struct Range {
    std::uint64_t from, to;
  };
  std::vector<Range> ranges_;  // in order, with gaps between them
};

struct Call {
  Request request;
  std::vector<iovec> to = {};  // of a read

  // Of the thread that reads replies until `done`.
  Coverage coverage = {};
  int error = 0;

  // Under the connection's lock.
  std::uint64_t connection = 0;  // on which it has been sent
  std::uint64_t mark = 0;        // what a flush covers
  Clock::time_point sent_at = {};
  bool done = false;
};

/// The parts of `memory` that hold `length` bytes from `start` on.
std::vector<iovec> part_of(const std::vector<iovec>& memory, std::uint64_t start, std::uint64_t length);

}  // namespace tsbhyve::disk::nbd
