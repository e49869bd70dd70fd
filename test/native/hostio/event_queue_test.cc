// SPDX-License-Identifier: BSD-2-Clause
// The machine's event queue: order, sources, and wakes that are never lost.
#include "hostio/event_queue.h"

#include <array>
#include <thread>
#include <vector>

#include "../soft/guest.h"

using namespace tsbhyve;
using tsbhyve::test::Guest;
using tsbhyve::test::require;

namespace {

constexpr std::uint64_t for_ever = 600ull * 1'000'000'000;

std::vector<std::uint32_t> tokens(EventQueue& queue, std::optional<std::uint32_t> source = std::nullopt) {
  std::array<Event, 4> events;
  std::vector<std::uint32_t> result;
  const std::size_t count = queue.take(events, source);
  for (std::size_t index = 0; index < count; index++) result.push_back(events[index].token);
  return result;
}

void keeps_order() {
  EventQueue queue;
  for (std::uint32_t token = 0; token < 6; token++) queue.post({token % 2, token, 0});
  require(tokens(queue, 1) == std::vector<std::uint32_t>{1, 3, 5}, "one source alone, oldest first");
  require(tokens(queue, 1).empty(), "what was taken is gone");
  require(tokens(queue) == std::vector<std::uint32_t>{0, 2, 4}, "the others are still there");
  for (std::uint32_t token = 0; token < 6; token++) queue.post({0, token, 0});
  require(tokens(queue) == std::vector<std::uint32_t>{0, 1, 2, 3}, "not more than there is room for");
  require(tokens(queue) == std::vector<std::uint32_t>{4, 5}, "the rest next time");
}

void loses_no_wake() {
  EventQueue queue;
  const std::uint32_t seen = queue.wakes();
  queue.post({0, 0, 0});
  queue.wait(seen, for_ever);
  queue.wait(queue.wakes(), 1000);  // ends by itself
  std::thread poster([&] { queue.wake(); });
  queue.wait(seen + 1, for_ever);
  poster.join();
  require(queue.wakes() == seen + 2, "posts and wakes count");
}

void waits_for_one_source() {
  EventQueue queue;
  queue.post({1, 0, 0});
  require(!queue.wait_for(2, 1000), "another source's event is not waited for");
  std::thread poster([&] {
    for (std::uint32_t token = 0; token < 100; token++) queue.post({token == 99 ? 2u : 3u, token, -5});
  });
  require(queue.wait_for(2, for_ever), "the event comes");
  poster.join();
  std::array<Event, 1> event;
  require(queue.take(event, 2) == 1 && event[0].token == 99 && event[0].result == -5, "and it is this one");
}

void wakes_the_engine() {
  Guest guest({0xeb, 0xfe});  // jmp $
  EventQueue queue;
  queue.set_engine(guest.engine.get());
  const auto run = [&] {
    ExitKind kind = ExitKind::None;
    while (kind == ExitKind::None) kind = guest.run(INT64_MAX);
    return kind;
  };
  std::thread poster([&] { queue.post({0, 0, 0}); });
  require(run() == ExitKind::Woken, "a post ends the run");
  poster.join();
  queue.wake();
  require(run() == ExitKind::Woken, "a wake before the run ends it");
  queue.set_engine(nullptr);
  queue.wake();
  require(guest.run(INT64_MAX) == ExitKind::None, "an engine that was taken away is left alone");
}

void many_posters() {
  EventQueue queue;
  std::vector<std::thread> posters;
  for (std::uint32_t source = 0; source < 4; source++) {
    posters.emplace_back([&queue, source] {
      for (std::uint32_t token = 0; token < 1000; token++) queue.post({source, token, 0});
    });
  }
  std::array<std::uint32_t, 4> next{};
  for (std::uint32_t taken = 0; taken < 4000;) {
    const std::uint32_t seen = queue.wakes();
    std::array<Event, 8> events;
    const std::size_t count = queue.take(events, std::nullopt);
    for (std::size_t index = 0; index < count; index++) {
      require(events[index].token == next[events[index].source]++, "every source keeps its order");
    }
    taken += static_cast<std::uint32_t>(count);
    if (count == 0) queue.wait(seen, for_ever);
  }
  for (std::thread& poster : posters) poster.join();
}

}  // namespace

int main() {
  keeps_order();
  loses_no_wake();
  waits_for_one_source();
  wakes_the_engine();
  many_posters();
}
