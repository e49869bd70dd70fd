// SPDX-License-Identifier: BSD-2-Clause
// Records through a ring that is full and empty all the time, on two threads, and what no ring may do.
#include "net/frame_ring.h"

#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "../check.h"

using tsbhyve::net::FrameRing;

namespace {

void fill(FrameRing& ring, std::uint32_t length, std::uint8_t mark) {
  const auto room = ring.reserve(length);
  CHECK(room.size() == length);
  if (room.empty()) return;
  std::memset(room.data(), mark, length);
  ring.commit(length);
}

void keeps_order_and_bounds() {
  FrameRing ring(64);
  CHECK(ring.is_empty());
  CHECK(ring.front().empty());
  fill(ring, 20, 1);  // 24 bytes
  fill(ring, 20, 2);
  CHECK(ring.reserve(20).empty());
  CHECK(ring.front().size() == 20 && ring.front()[19] == 1);
  ring.pop();
  // 16 bytes are left before the end: the record goes to the beginning, where 24 are free.
  fill(ring, 16, 3);
  CHECK(ring.waiting() == 24 + 16 + 24);
  CHECK(!ring.has_room(1));
  CHECK(ring.front()[0] == 2);
  ring.pop();
  CHECK(ring.front().size() == 16 && ring.front()[0] == 3);
  ring.pop();
  CHECK(ring.is_empty());
  CHECK(ring.reserve(61).empty());
  CHECK(ring.reserve(0xffff'ffff).empty());
}

void shorter_than_reserved() {
  FrameRing ring(64);
  CHECK(ring.reserve(40).size() == 40);
  ring.commit(3);
  CHECK(ring.front().size() == 3);
  CHECK(ring.waiting() == 8);
}

void a_reader_of_the_memory_finds_the_records() {
  FrameRing ring(64);
  fill(ring, 30, 1);
  ring.pop();
  fill(ring, 20, 7);  // at 40, 24 bytes to the end
  std::uint32_t length;
  std::memcpy(&length, &ring.memory()[40], 4);
  CHECK(length == 20 && ring.memory()[44] == 7 && ring.waiting() == 24);
  ring.release(24);
  CHECK(ring.is_empty());
}

/// The content follows from the number and the length of the record.
void two_threads() {
  constexpr std::uint32_t records = 200'000;
  FrameRing ring(1 << 12);
  std::thread writer([&] {
    std::minstd_rand random(1);
    for (std::uint32_t count = 0; count < records;) {
      const auto length = static_cast<std::uint32_t>(4 + random() % 1500);
      const auto longest = static_cast<std::uint32_t>(length + random() % 100);
      auto room = ring.reserve(longest);
      while (room.empty()) {
        std::this_thread::yield();
        room = ring.reserve(longest);
      }
      std::memcpy(room.data(), &count, 4);
      std::memset(room.data() + 4, static_cast<int>(count & 0xff), length - 4);
      ring.commit(length);
      count++;
    }
  });
  std::minstd_rand random(1);
  std::uint32_t wrong = 0;
  for (std::uint32_t count = 0; count < records; count++) {
    const auto length = static_cast<std::uint32_t>(4 + random() % 1500);
    random();
    auto record = ring.front();
    while (record.empty()) {
      std::this_thread::yield();
      record = ring.front();
    }
    std::uint32_t number;
    std::memcpy(&number, record.data(), 4);
    bool is_right = record.size() == length && number == count;
    for (const std::uint8_t byte : record.subspan(4)) is_right = is_right && byte == (count & 0xff);
    if (!is_right) wrong++;
    ring.pop();
  }
  writer.join();
  CHECK(wrong == 0);
  CHECK(ring.is_empty());
}

}  // namespace

int main() {
  keeps_order_and_bounds();
  shorter_than_reserved();
  a_reader_of_the_memory_finds_the_records();
  two_threads();
  return test::report();
}
