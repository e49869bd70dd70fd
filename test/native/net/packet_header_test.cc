// SPDX-License-Identifier: BSD-2-Clause
#include "net/packet_header.h"

#include <vector>

#include "../check.h"
#include "net/link.h"

namespace {

std::vector<std::uint8_t> record(std::uint8_t flags, std::uint8_t start, std::uint8_t offset,
                                 std::vector<std::uint8_t> frame) {
  std::vector<std::uint8_t> bytes{flags, 0, 0, 0, 0, 0, start, 0, offset, 0, 0, 0};
  bytes.insert(bytes.end(), frame.begin(), frame.end());
  return bytes;
}

}  // namespace

int main() {
  // 0xffff - (0x1234 + 0x0001), and an odd byte more.
  auto sound = record(1, 2, 2, {9, 9, 0x12, 0x34, 0x00, 0x01, 0x00});
  CHECK(tsbhyve::net::finish_checksum(sound));
  CHECK(sound[12 + 4] == 0xed && sound[12 + 5] == 0xca && sound[0] == 0);

  auto complete = record(0, 2, 2, {9, 9, 0x12, 0x34, 0x00, 0x01});
  CHECK(tsbhyve::net::finish_checksum(complete));
  CHECK(complete[12 + 5] == 1);

  auto zero = record(1, 0, 2, {0xff, 0xfe, 0, 1});
  CHECK(tsbhyve::net::finish_checksum(zero));
  CHECK(zero[12 + 2] == 0xff && zero[12 + 3] == 0xff);

  auto outside = record(1, 4, 1, {1, 2, 3, 4, 5, 6});
  CHECK(!tsbhyve::net::finish_checksum(outside));
  auto far = record(1, 0xff, 0xff, {1, 2});
  CHECK(!tsbhyve::net::finish_checksum(far));
  std::vector<std::uint8_t> tiny{1, 2};
  CHECK(!tsbhyve::net::finish_checksum(tiny));
  return test::report();
}
