// SPDX-License-Identifier: BSD-2-Clause
// A link that sends back what it gets: nothing is lost in silence, nobody sleeps too long, and its end is quick.
#include "net/link.h"

#include <condition_variable>
#include <cstring>
#include <vector>

#include "../check.h"

using tsbhyve::net::header_bytes;
using tsbhyve::net::Link;

namespace {

/// Where a machine's thread would sleep.
class Bell {
 public:
  void ring() {
    const std::lock_guard guard(lock_);
    rings_++;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock guard(lock_);
    changed_.wait(guard, [this] { return rings_ > 0; });
    rings_ = 0;
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  int rings_ = 0;
};

class Echo final : public Link {
 public:
  explicit Echo(Bell& bell) : Link([&bell] { bell.ring(); }) {}
  ~Echo() override { stop(); }

  std::uint32_t offloads() const override { return 0; }
  void give(std::uint32_t) override {}

 private:
  int prepare(std::vector<pollfd>&, bool is_blocked) override {
    // Offered again once there is room, which is told by a wake.
    return is_blocked && may_receive() ? 0 : -1;
  }
  void handle(std::span<const pollfd>) override {}
  bool transmit(std::span<std::uint8_t> record) override {
    if (record.size() == header_bytes + 1) fail("told to");
    const auto room = reserve();
    if (room.empty()) return false;
    std::memcpy(room.data(), record.data(), record.size());
    commit(static_cast<std::uint32_t>(record.size()));
    return true;
  }
};

/// Takes frames at once while it may, and keeps the first byte of each in the order in which they went.
class Direct final : public Link {
 public:
  explicit Direct(Bell& bell) : Link([] {}), bell_(bell) {}
  ~Direct() override { stop(); }

  std::uint32_t offloads() const override { return 0; }
  void give(std::uint32_t) override {}

  bool is_free = true;
  std::vector<std::uint8_t> at_once, later;

 private:
  int prepare(std::vector<pollfd>&, bool) override { return -1; }
  void handle(std::span<const pollfd>) override {}
  bool transmit(std::span<std::uint8_t> record) override {
    later.push_back(record[header_bytes]);
    bell_.ring();
    return true;
  }
  bool transmit_at_once(std::span<const std::uint8_t>, std::span<const std::uint8_t> frame) override {
    if (is_free) at_once.push_back(frame[0]);
    return is_free;
  }

  Bell& bell_;
};

/// Every number in turn, with as much in flight as there is room for.
void all_come_back_in_order() {
  constexpr std::uint32_t frames = 100'000;
  Bell bell;
  Echo link(bell);
  link.start();
  const std::vector<std::uint8_t> header(10, 3);
  std::vector<std::uint8_t> frame(1000);
  std::uint32_t sent = 0, wrong = 0;
  for (std::uint32_t received = 0; received < frames;) {
    for (; sent < frames; sent++) {
      std::memcpy(frame.data(), &sent, 4);
      if (!link.send(header, std::span(frame).first(60 + sent % 900))) break;
    }
    while (link.take() == 0) bell.wait();
    const auto record = link.incoming()->front();
    std::uint32_t number;
    std::memcpy(&number, record.data() + header_bytes, 4);
    const bool is_right = number == received && record.size() == header_bytes + 60 + received % 900;
    if (!is_right || record[9] != 3 || record[10] != 0) wrong++;
    link.release((4 + static_cast<std::uint32_t>(record.size()) + 7) & ~7u);
    received++;
  }
  CHECK(wrong == 0);
}

void what_finds_no_room_is_refused() {
  Bell bell;
  Echo link(bell);  // its thread does not run yet
  const std::vector<std::uint8_t> header(12), frame(60'000), monster(70'000);
  int count = 0;
  while (link.send(header, frame)) count++;
  CHECK(count == 17);
  CHECK(!link.send(header, monster));
  CHECK(!link.send(std::vector<std::uint8_t>(13), std::vector<std::uint8_t>(60)));
}

void nothing_overtakes_what_waits() {
  Bell bell;
  Direct link(bell);  // its thread does not run yet
  const std::vector<std::uint8_t> header(12);
  const auto send = [&](std::uint8_t mark) { CHECK(link.send(header, std::vector<std::uint8_t>(60, mark))); };
  send(1);
  link.is_free = false;
  send(2);
  link.is_free = true;
  send(3);
  CHECK((link.at_once == std::vector<std::uint8_t>{1}) && link.later.empty());
  link.start();
  bell.wait();
  link.stop();
  CHECK((link.at_once == std::vector<std::uint8_t>{1}) && (link.later == std::vector<std::uint8_t>{2, 3}));
}

void a_failure_is_told() {
  Bell bell;
  Echo link(bell);
  link.start();
  CHECK(link.failure().empty());
  const std::vector<std::uint8_t> header(12), bad(1);
  CHECK(link.send(header, bad));
  while (link.failure().empty()) bell.wait();
  CHECK(link.failure() == "told to");
  CHECK(!link.send(header, std::vector<std::uint8_t>(60)));
}

void ends_at_any_moment() {
  for (int round = 0; round < 200; round++) {
    Bell bell;
    Echo link(bell);
    link.start();
    if (round % 2) link.send(std::vector<std::uint8_t>(12), std::vector<std::uint8_t>(60));
    if (round % 3 == 0) link.stop();
  }
}

}  // namespace

int main() {
  all_come_back_in_order();
  what_finds_no_room_is_refused();
  nothing_overtakes_what_waits();
  a_failure_is_told();
  ends_at_any_moment();
  return test::report();
}
