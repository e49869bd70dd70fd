// SPDX-License-Identifier: BSD-2-Clause
#include "net/packet_header.h"

#include <arpa/inet.h>

#include <cstring>

#include "net/link.h"

namespace tsbhyve::net {

namespace {

constexpr std::size_t csum_start = 6, csum_offset = 8;

std::uint32_t little16(std::span<const std::uint8_t> bytes, std::size_t at) {
  return bytes[at] | static_cast<std::uint32_t>(bytes[at + 1]) << 8;
}

/// RFC 1071, of bytes whose field holds the sum of the pseudo header. Words of any size and byte order do (§2).
std::uint16_t internet_sum(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t step = sizeof(std::uint32_t);
  std::uint64_t sum = 0;
  std::size_t at = 0;
  std::uint32_t word;
  for (; at + step <= bytes.size(); at += step) {
    std::memcpy(&word, &bytes[at], step);
    sum += word;
  }
  word = 0;
  std::memcpy(&word, bytes.data() + at, bytes.size() - at);
  sum += word;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  const std::uint16_t result = ntohs(static_cast<std::uint16_t>(~sum));
  // Zero means "no checksum" in UDP, and 0xffff is the same number (RFC 768).
  return result ? result : 0xffff;
}

}  // namespace

bool finish_checksum(std::span<std::uint8_t> record) {
  if (record.size() < header_bytes) return false;
  if (!(record[0] & needs_checksum)) return true;
  const auto frame = record.subspan(header_bytes);
  const std::size_t start = little16(record, csum_start), at = start + little16(record, csum_offset);
  if (at + 2 > frame.size()) return false;
  const std::uint16_t sum = internet_sum(frame.subspan(start));
  frame[at] = static_cast<std::uint8_t>(sum >> 8);
  frame[at + 1] = static_cast<std::uint8_t>(sum);
  record[0] = 0;
  return true;
}

}  // namespace tsbhyve::net
