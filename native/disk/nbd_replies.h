// SPDX-License-Identifier: BSD-2-Clause
// Reads an NBD server's replies, simple and structured, straight into the memory of those who wait for them.
#pragma once

#include <cstdint>
#include <functional>

#include "disk/nbd_call.h"

namespace tsbhyve::disk::nbd {

class Replies {
 public:
  /// `find` gives the call of a cookie, or null; it lives until `done` is called with its cookie.
  using Find = std::function<Call*(std::uint64_t cookie)>;

  Replies(Stream& stream, bool structured, Find find)
      : stream_(stream), structured_(structured), find_(std::move(find)) {}

  /// Takes one reply or one chunk of one. 0, or an errno with which the connection is over: EPROTO for a server that
  /// breaks the protocol, ESHUTDOWN for one that goes. `finished` is the cookie of a call that is done with it.
  int take(Clock::time_point deadline, bool& is_finished, std::uint64_t& finished);

 private:
  int take_simple(Clock::time_point deadline, std::uint64_t& cookie);
  int take_chunk(Clock::time_point deadline, std::uint64_t& cookie, bool& is_finished);
  int take_data(Call& call, std::uint32_t length, Clock::time_point deadline);
  int take_hole(Call& call, std::uint32_t length, Clock::time_point deadline);
  int take_error(Call& call, std::uint32_t length, Clock::time_point deadline);
  int receive_into(const Call& call, std::uint64_t offset, std::uint64_t length, Clock::time_point deadline);

  Stream& stream_;
  const bool structured_;
  const Find find_;
};

}  // namespace tsbhyve::disk::nbd
