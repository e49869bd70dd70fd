// SPDX-License-Identifier: BSD-2-Clause
// Joins TCP segments that follow one another into one, for a guest that takes segments uncut: it looks at one header
// where there were up to 45. Reference: RFC 9293 §3.1, RFC 791 §3.1; the header before it: VIRTIO-1.2 §5.1.6.
#pragma once

#include <cstdint>
#include <span>

namespace tsbhyve::net {

class SegmentJoiner {
 public:
  bool is_open() const { return !room_.empty(); }
  /// `room` holds a record of `length` bytes that others may be joined to. False if it is none of those, as all that is
  /// no plain data of IPv4.
  bool open(std::span<std::uint8_t> room, std::uint32_t length);
  /// True if the frame is part of the open record now.
  bool join(std::span<const std::uint8_t> frame);
  /// Ends the open record and answers its length.
  std::uint32_t close();

 private:
  bool follows(std::span<const std::uint8_t> frame) const;
  void finish();

  std::span<std::uint8_t> room_;
  std::uint32_t length_ = 0;
  /// Of the frame: where its data begin, and how many there are in a segment.
  std::uint32_t data_at_ = 0, segment_ = 0;
  std::uint32_t next_sequence_ = 0;
  /// Nothing follows a short segment or one that is pushed.
  bool is_complete_ = false;
};

}  // namespace tsbhyve::net
