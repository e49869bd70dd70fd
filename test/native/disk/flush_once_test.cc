// SPDX-License-Identifier: BSD-2-Clause
// Flushes are shared only by those whose writes they hold, and a lost one is never forgotten.
#include "disk/flush_once.h"

#include <atomic>
#include <cerrno>
#include <semaphore>
#include <thread>

#include "../check.h"
#include "disk/request.h"

using test::require;
using tsbhyve::disk::DiskImage;
using tsbhyve::disk::FlushOnce;
using tsbhyve::disk::Request;
using tsbhyve::disk::RequestKind;

namespace {

void those_who_come_late_share_the_next() {
  std::atomic<int> begun = 0;
  std::counting_semaphore<8> go(0);
  FlushOnce flushes([&] {
    begun++;
    go.acquire();
    return 0;
  });
  std::atomic<int> ended = 0;
  const auto ask = [&] {
    require(flushes.flush() == 0, "it succeeds");
    ended++;
  };
  std::thread first(ask);
  while (begun != 1) std::this_thread::yield();
  std::vector<std::thread> others;
  for (int index = 0; index < 5; index++) others.emplace_back(ask);
  go.release();
  first.join();
  while (begun != 2) std::this_thread::yield();
  require(ended == 1, "one that was on its way is not enough for the others");
  go.release(7);
  for (std::thread& other : others) other.join();
  require(begun <= 6 && ended == 6, "and all come to an end");
}

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
