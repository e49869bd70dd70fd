// SPDX-License-Identifier: BSD-2-Clause
// Flushes are shared only by those whose writes they hold, and a lost one is never forgotten.
#include "disk/flush_once.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "../check.h"
#include "disk/request.h"

using test::require;
using tsbhyve::disk::DiskImage;
using tsbhyve::disk::FlushOnce;
using tsbhyve::disk::Request;
using tsbhyve::disk::RequestKind;

namespace {

#ifdef __linux__
/// proc(5): the state stands behind the name in parentheses.
bool sleeps(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t at = text.rfind(") ");
  return at != std::string::npos && text[at + 2] == 'S';
}

void those_who_come_late_share_the_next() {
  constexpr int late = 5;
  std::atomic<int> begun = 0, ended = 0;
  std::counting_semaphore<8> go(0);
  FlushOnce flushes([&] {
    begun++;
    go.acquire();
    return 0;
  });
  const auto ask = [&] {
    require(flushes.flush() == 0, "it succeeds");
    ended++;
  };
  std::thread first(ask);
  while (begun != 1) std::this_thread::yield();
  std::array<std::atomic<pid_t>, late> ids{};
  std::vector<std::thread> others;
  for (auto& id : ids) {
    others.emplace_back([&] {
      id = gettid();
      ask();
    });
  }
  // Who sleeps there waits for the first one's end.
  while (!std::ranges::all_of(ids, [](const auto& id) { return id != 0 && sleeps(id); })) std::this_thread::yield();
  go.release();
  first.join();
  while (begun != 2) std::this_thread::yield();
  require(ended == 1, "one that was on its way is not enough for the others");
  go.release(7);
  for (std::thread& other : others) other.join();
  require(begun < 1 + late && ended == 1 + late, "the others share, and all come to an end");
}
#else
void those_who_come_late_share_the_next() { std::printf("skipped: nothing tells here who waits\n"); }
#endif

void what_is_lost_is_lost() {
  int result = 0, calls = 0;
  FlushOnce flushes([&] {
    calls++;
    return result;
  });
  require(flushes.flush() == 0, "at first");
  result = EIO;
  require(flushes.flush() == EIO, "the failure");
  result = 0;
  require(flushes.flush() == EIO && calls == 2, "nobody asks the host again");
}

/// Writes down what it is asked, and fails as it is told.
class Recorder final : public DiskImage {
 public:
  std::string asked;
  int write_result = 0, flush_result = 0;

  int read(iovec*, int, std::uint64_t) override { return note('r', 0); }
  int write(iovec*, int, std::uint64_t) override { return note('w', write_result); }
  int flush() override { return note('f', flush_result); }
  int discard(std::uint64_t, std::uint64_t) override { return note('d', 0); }
  int zero(std::uint64_t, std::uint64_t, bool unmap) override { return note(unmap ? 'u' : 'z', 0); }

 private:
  int note(char what, int result) {
    asked += what;
    return result;
  }
};

void durable_requests_end_with_a_flush() {
  Recorder image;
  const auto ask = [&](RequestKind kind, bool durable, bool unmap = false) {
    Request request{kind, durable, unmap, 0, 512, {}};
    return perform(image, request);
  };
  for (const RequestKind kind : {RequestKind::Read, RequestKind::Write, RequestKind::Flush, RequestKind::Discard}) {
    ask(kind, true);
    ask(kind, false);
  }
  ask(RequestKind::Zero, false);
  ask(RequestKind::Zero, true, true);
  require(image.asked == "rrwfwffdfdzuf", "each with a flush behind it if it has to be durable: " + image.asked);
  image.flush_result = EIO;
  require(ask(RequestKind::Write, true) == EIO && ask(RequestKind::Write, false) == 0, "its failure is the request's");
  image.write_result = ENOSPC;
  image.asked.clear();
  require(ask(RequestKind::Write, true) == ENOSPC && image.asked == "w", "what failed is not flushed");
}

}  // namespace

int main() {
  those_who_come_late_share_the_next();
  what_is_lost_is_lost();
  durable_requests_end_with_a_flush();
}
