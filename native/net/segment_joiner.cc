// SPDX-License-Identifier: BSD-2-Clause
#include "net/segment_joiner.h"

#include <algorithm>
#include <cstring>

#include "net/link.h"
#include "net/packet_header.h"

namespace tsbhyve::net {

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t type_at = 12, ip_at = 14;
/// Without options: frames with some are rare, and left alone.
constexpr std::size_t ip_length = 20, tcp_at = ip_at + ip_length, shortest_tcp = 20;
constexpr std::size_t total_at = ip_at + 2, fragment_at = ip_at + 6, protocol_at = ip_at + 9, sum_at = ip_at + 10,
                      addresses_at = ip_at + 12;
constexpr std::size_t sequence_at = tcp_at + 4, acknowledged_at = tcp_at + 8, offset_at = tcp_at + 12,
                      flags_at = tcp_at + 13, window_at = tcp_at + 14, tcp_sum_at = tcp_at + 16,
                      urgent_at = tcp_at + 18, options_at = tcp_at + 20;
constexpr std::uint32_t ipv4 = 0x0800, tcp = 6, more_and_offset = 0x3fff, longest_packet = 65535;
constexpr std::uint8_t version_and_length = 0x45, pushed = 0x08, acknowledges = 0x10;

std::uint32_t get16(Bytes bytes, std::size_t at) { return static_cast<std::uint32_t>(bytes[at] << 8 | bytes[at + 1]); }
std::uint32_t get32(Bytes bytes, std::size_t at) { return get16(bytes, at) << 16 | get16(bytes, at + 2); }
void put16(std::span<std::uint8_t> bytes, std::size_t at, std::uint32_t value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(value);
}
void put_little16(std::span<std::uint8_t> bytes, std::size_t at, std::uint32_t value) {
  bytes[at] = static_cast<std::uint8_t>(value);
  bytes[at + 1] = static_cast<std::uint8_t>(value >> 8);
}

bool same(Bytes one, Bytes other, std::size_t from, std::size_t to) {
  return std::memcmp(&one[from], &other[from], to - from) == 0;
}

/// RFC 1071, before it is inverted.
std::uint32_t sum_of(Bytes bytes, std::uint32_t sum) {
  for (std::size_t at = 0; at < bytes.size(); at += 2) sum += get16(bytes, at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

/// Where the data of a plain segment begin; 0 for anything else.
std::size_t data_of(Bytes frame) {
  if (frame.size() < tcp_at + shortest_tcp || get16(frame, type_at) != ipv4) return 0;
  if (frame[ip_at] != version_and_length || frame[protocol_at] != tcp) return 0;
  if ((get16(frame, fragment_at) & more_and_offset) || get16(frame, total_at) != frame.size() - ip_at) return 0;
  if ((frame[flags_at] & ~pushed) != acknowledges || get16(frame, urgent_at)) return 0;
  const std::size_t at = tcp_at + 4 * (frame[offset_at] >> 4);
  return at >= options_at && at < frame.size() ? at : 0;
}

}  // namespace

bool SegmentJoiner::open(std::span<std::uint8_t> room, std::uint32_t length) {
  const auto frame = room.subspan(header_bytes, length - header_bytes);
  const std::size_t at = data_of(frame);
  if (at == 0 || (frame[flags_at] & pushed)) return false;
  room_ = room;
  length_ = length;
  data_at_ = static_cast<std::uint32_t>(at);
  segment_ = static_cast<std::uint32_t>(frame.size() - at);
  next_sequence_ = get32(frame, sequence_at) + segment_;
  is_complete_ = false;
  return true;
}

/// All that the headers of two segments of one burst have in common: what differs in anything else is not joined.
bool SegmentJoiner::follows(Bytes frame) const {
  const auto first = room_.subspan(header_bytes);
  return data_of(frame) == data_at_ && get32(frame, sequence_at) == next_sequence_ && same(first, frame, 0, total_at) &&
         same(first, frame, fragment_at, sum_at) && same(first, frame, addresses_at, sequence_at) &&
         same(first, frame, acknowledged_at, flags_at) && same(first, frame, window_at, tcp_sum_at) &&
         same(first, frame, options_at, data_at_);
}

bool SegmentJoiner::join(Bytes frame) {
  if (is_complete_ || !follows(frame)) return false;
  const auto data = frame.subspan(data_at_);
  const std::size_t joined = length_ - header_bytes - ip_at + data.size();
  if (data.size() > segment_ || joined > longest_packet || length_ + data.size() > room_.size()) return false;
  std::memcpy(&room_[length_], data.data(), data.size());
  length_ += static_cast<std::uint32_t>(data.size());
  next_sequence_ += static_cast<std::uint32_t>(data.size());
  room_[header_bytes + flags_at] = static_cast<std::uint8_t>(room_[header_bytes + flags_at] | frame[flags_at]);
  is_complete_ = data.size() < segment_ || (frame[flags_at] & pushed);
  return true;
}

std::uint32_t SegmentJoiner::close() {
  if (length_ - header_bytes > data_at_ + segment_) finish();
  room_ = {};
  return length_;
}

/// The segments' own sums are the guest's to make, if it looks at them at all: the field holds that of the pseudo
/// header.
void SegmentJoiner::finish() {
  const auto frame = room_.subspan(header_bytes, length_ - header_bytes);
  put16(frame, total_at, static_cast<std::uint32_t>(frame.size() - ip_at));
  put16(frame, sum_at, 0);
  put16(frame, sum_at, ~sum_of(frame.subspan(ip_at, ip_length), 0));
  const auto tcp_length = static_cast<std::uint32_t>(frame.size() - tcp_at);
  put16(frame, tcp_sum_at, sum_of(frame.subspan(addresses_at, 8), tcp + tcp_length));
  room_[0] = needs_checksum;
  room_[1] = gso_tcp4;
  put_little16(room_, 2, data_at_);
  put_little16(room_, 4, segment_);
  put_little16(room_, 6, tcp_at);
  put_little16(room_, 8, tcp_sum_at - tcp_at);
}

}  // namespace tsbhyve::net
