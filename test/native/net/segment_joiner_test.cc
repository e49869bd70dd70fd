// SPDX-License-Identifier: BSD-2-Clause
#include "net/segment_joiner.h"

#include <algorithm>
#include <vector>

#include "../check.h"
#include "net/link.h"

using namespace tsbhyve::net;

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint32_t segment = 1000, headers = 14 + 20 + 20;
constexpr std::uint8_t ack = 0x10, push_ack = 0x18;

void put(Bytes& frame, std::size_t at, std::uint32_t value, std::uint32_t bytes) {
  for (std::uint32_t i = 0; i < bytes; i++) frame[at + i] = static_cast<std::uint8_t>(value >> 8 * (bytes - 1 - i));
}

std::uint32_t sum(const Bytes& bytes, std::size_t from, std::size_t to, std::uint32_t first = 0) {
  std::uint32_t total = first;
  for (std::size_t at = from; at < to; at += 2) total += static_cast<std::uint32_t>(bytes[at] << 8 | bytes[at + 1]);
  while (total > 0xffff) total = (total & 0xffff) + (total >> 16);
  return total;
}

/// `data` are those of a stream in which every byte is its place in it.
Bytes frame(std::uint32_t sequence, std::uint32_t data, std::uint8_t flags = ack) {
  Bytes made(headers + data);
  put(made, 12, 0x0800, 2);
  made[14] = 0x45;
  put(made, 16, 40 + data, 2);
  put(made, 18, sequence & 0xffff, 2);  // a number of its own, as libslirp gives it
  made[22] = 64, made[23] = 6;
  put(made, 26, 0x0a000202, 4);
  put(made, 30, 0x0a00020f, 4);
  put(made, 24, ~sum(made, 14, 34), 2);
  put(made, 34, 5299, 2);
  put(made, 36, 40000, 2);
  put(made, 38, sequence, 4);
  put(made, 42, 77, 4);
  made[46] = 5 << 4, made[47] = flags;
  put(made, 48, 8192, 2);
  for (std::uint32_t i = 0; i < data; i++) made[headers + i] = static_cast<std::uint8_t>(sequence + i);
  return made;
}

struct Open {
  SegmentJoiner joiner;
  Bytes room = Bytes(longest_record);
  bool is_open;

  explicit Open(const Bytes& first) {
    room[0] = 2;
    std::copy(first.begin(), first.end(), room.begin() + header_bytes);
    is_open = joiner.open(room, header_bytes + static_cast<std::uint32_t>(first.size()));
  }
};

void joins_what_follows() {
  const std::uint32_t start = 0xffff'fc00;  // runs over
  Open open(frame(start, segment));
  CHECK(open.is_open && open.joiner.is_open());
  CHECK(open.joiner.join(frame(start + segment, segment)));
  CHECK(open.joiner.join(frame(start + 2 * segment, 300, push_ack)));
  CHECK(!open.joiner.join(frame(start + 2 * segment + 300, segment)));
  CHECK(open.joiner.close() == header_bytes + headers + 2300 && !open.joiner.is_open());
  const Bytes asked(open.room.begin(), open.room.begin() + 10);
  CHECK((asked == Bytes{1, 1, headers, 0, 0xe8, 0x03, 34, 0, 16, 0}));
  Bytes expected = frame(start, 2300, push_ack);
  put(expected, 50, sum(expected, 26, 34, 6 + 20 + 2300), 2);
  CHECK(std::equal(expected.begin(), expected.end(), open.room.begin() + header_bytes));
}

void leaves_one_alone() {
  const Bytes only = frame(5, segment);
  Open open(only);
  CHECK(open.joiner.close() == header_bytes + only.size() && open.room[0] == 2 && open.room[1] == 0);
  CHECK(std::equal(only.begin(), only.end(), open.room.begin() + header_bytes));
}

void joins_nothing_else() {
  Open open(frame(5, segment));
  CHECK(!open.joiner.join(frame(5, segment)));
  CHECK(!open.joiner.join(frame(5 + segment + 1, segment)));
  CHECK(!open.joiner.join(frame(5 + segment, segment + 1)));
  CHECK(!open.joiner.join(frame(5 + segment, 0)));
  CHECK(!open.joiner.join(Bytes(20)));
  // Addresses, type, version, kind of service, whole length, fragments, time to live, protocol, IP addresses, ports,
  // acknowledgement, offset, FIN, window, urgent pointer.
  for (const std::size_t at :
       {0u, 6u, 12u, 14u, 15u, 17u, 20u, 21u, 22u, 23u, 26u, 30u, 34u, 36u, 42u, 45u, 46u, 47u, 48u, 53u}) {
    Bytes other = frame(5 + segment, segment);
    other[at] = static_cast<std::uint8_t>(other[at] ^ 1);
    if (at == 46) other[at] = 0x70;
    CHECK(!open.joiner.join(other));
  }
  CHECK(open.joiner.join(frame(5 + segment, segment)));
}

void opens_only_plain_data() {
  CHECK(!Open(frame(5, 0)).is_open);
  CHECK(!Open(frame(5, segment, push_ack)).is_open);
  CHECK(!Open(frame(5, segment, 0x11)).is_open);
  CHECK(!Open(Bytes(14)).is_open);
  for (const auto& [at, value] : std::initializer_list<std::pair<std::size_t, int>>{
           {12, 0x86}, {14, 0x46}, {16, 0xff}, {20, 0x20}, {23, 17}, {46, 0x40}, {46, 0xff}, {53, 1}}) {
    Bytes other = frame(5, 2);
    other[at] = static_cast<std::uint8_t>(value);
    CHECK(!Open(other).is_open);
  }
}

void ends_with_the_longest_packet() {
  Open open(frame(0, segment));
  std::uint32_t next = segment;
  while (open.joiner.join(frame(next, segment))) next += segment;
  CHECK(next == 65 * segment);
  CHECK(open.joiner.join(frame(next, 65535 - 40 - next)));
  CHECK(open.joiner.close() == longest_record);
}

}  // namespace

int main() {
  joins_what_follows();
  leaves_one_alone();
  joins_nothing_else();
  opens_only_plain_data();
  ends_with_the_longest_packet();
  return test::report();
}
