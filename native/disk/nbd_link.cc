// SPDX-License-Identifier: BSD-2-Clause
#include "disk/nbd_link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>

namespace tsbhyve::disk::nbd {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{50};
constexpr milliseconds kLongestPause{2'000};
/// For the word of farewell, which may be lost.
constexpr milliseconds kFarewell{100};

std::vector<Endpoint> endpoints_of(const LinkOptions& options) {
  try {
    return find_endpoints(options.unix_path, options.host, options.port);
  } catch (const std::runtime_error& error) {
    throw Refused(error.what());
  }
}

bool is_same(const Export& now, const Export& before) {
  // A flag of the server's that comes later is not used, one that is missed was promised to the guest.
  return now.size == before.size && (now.flags & before.flags) == before.flags &&
         (now.flags & kReadOnly) == (before.flags & kReadOnly) && now.minimum_block <= before.minimum_block &&
         now.maximum_payload >= before.maximum_payload;
}

}  // namespace

Link::Link(LinkOptions options) : options_(std::move(options)), endpoints_(endpoints_of(options_)) {
  if (pipe2(stop_, O_CLOEXEC) != 0) throw Refused(std::string("the host has no pipe: ") + strerror(errno));
  try {
    stream_ = open();
    connection_ = 1;
    // Signals stay with the threads that wait for them; SIGBUS must reach this one, which fills guest memory.
    sigset_t blocked, before;
    sigfillset(&blocked);
    for (const int synchronous : {SIGBUS, SIGSEGV, SIGILL, SIGFPE}) sigdelset(&blocked, synchronous);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    try {
      reader_ = std::thread([this] { run(); });
    } catch (...) {
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      throw;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  } catch (...) {
    close(stop_[0]);
    close(stop_[1]);
    throw;
  }
}

Link::~Link() {
  {
    const std::scoped_lock guard(send_lock_, lock_);
    if (state_ == State::Up) send_request(*stream_, {.command = Command::Disconnect}, 0, Clock::now() + kFarewell);
  }
  close(stop_[1]);  // its other end is readable from now on
  reader_.join();
  close(stop_[0]);
}

bool Link::is_kept(const Request& request) const {
  const bool is_data = request.command == Command::Write || request.command == Command::WriteZeroes;
  return is_data && !(request.flags & kFua) && has(kSendFlush);
}

int Link::call(Request request, std::vector<iovec> to) {
  if (is_kept(request)) {
    std::unique_lock guard(lock_);
    const bool has_room = unflushed_.has_room();
    guard.unlock();
    if (!has_room) {
      if (const int error = call({.command = Command::Flush})) return error;
    }
  }
  Call call{.request = std::move(request), .to = std::move(to)};
  std::uint64_t cookie;
  {
    const std::lock_guard guard(lock_);
    cookie = next_cookie_++;
    call.mark = unflushed_.mark();
    calls_.emplace(cookie, &call);
  }
  return wait_for_answer(call, cookie);
}

/// Whoever waits sends: the reader must never wait for a server that waits for it.
int Link::wait_for_answer(Call& call, std::uint64_t cookie) {
  std::unique_lock guard(lock_);
  for (;;) {
    changed_.wait(guard, [&] {
      return call.done || state_ == State::Down || (state_ == State::Up && call.connection != connection_);
    });
    if (call.done) return call.error;
    if (state_ == State::Down) {
      calls_.erase(cookie);
      return EIO;
    }
    call.connection = connection_;
    call.sent_at = Clock::now();
    const auto stream = stream_;
    guard.unlock();
    {
      const std::lock_guard sending(send_lock_);
      if (send_request(*stream, call.request, cookie, Clock::now() + options_.answer_timeout) != 0) stream->shut();
    }
    guard.lock();
  }
}

std::shared_ptr<Stream> Link::open() {
  const Time deadline = Clock::now() + options_.connect_timeout;
  int error = 0;
  for (const Endpoint& endpoint : endpoints_) {
    const auto stream = Stream::connect(endpoint, stop_[0], deadline, error);
    if (!stream) continue;
    const Export found = shake_hands(*stream, options_.export_name, deadline);
    if (connection_ == 0) export_ = found;
    if (!is_same(found, export_)) throw Refused("the export is not what it was");
    is_structured_ = found.structured_replies;
    return stream;
  }
  throw Refused(std::string("cannot connect: ") + strerror(error));
}

void Link::run() {
  while (!is_stopped()) {
    take_replies();
    break_off();
    reconnect();
  }
}

/// Until the connection is over.
void Link::take_replies() {
  Replies replies(*stream_, is_structured_, [this](std::uint64_t cookie) {
    const std::lock_guard guard(lock_);
    const auto found = calls_.find(cookie);
    return found == calls_.end() || found->second->connection != connection_ ? nullptr : found->second;
  });
  for (;;) {
    const Time now = Clock::now(), timeout = oldest_timeout();
    if (now >= timeout) return;
    // Who sends meanwhile is looked at the next time.
    int error = stream_->wait_readable(std::min(timeout, now + options_.answer_timeout / 2));
    if (error == ETIMEDOUT) continue;
    bool is_finished = false;
    std::uint64_t cookie = 0;
    if (error == 0) error = replies.take(Clock::now() + options_.answer_timeout, is_finished, cookie);
    if (error != 0) return;
    if (is_finished) finish(cookie);
  }
}

Link::Time Link::oldest_timeout() {
  const std::lock_guard guard(lock_);
  Time oldest = Time::max();
  for (const auto& [cookie, call] : calls_) {
    if (call->connection == connection_) oldest = std::min(oldest, call->sent_at + options_.answer_timeout);
  }
  return oldest;
}

void Link::finish(std::uint64_t cookie) {
  const std::lock_guard guard(lock_);
  const auto found = calls_.find(cookie);
  Call& call = *found->second;
  calls_.erase(found);
  failing_since_.reset();
  if (call.error == 0 && is_kept(call.request)) unflushed_.add(call.request);
  if (call.error == 0 && call.request.command == Command::Flush) unflushed_.drop_before(call.mark);
  call.done = true;
  changed_.notify_all();
}

void Link::break_off() {
  const std::lock_guard guard(lock_);
  stream_->shut();
  state_ = State::Broken;
  if (!failing_since_) failing_since_ = Clock::now();
  for (const auto& [cookie, call] : calls_) {
    call->coverage.clear();
    call->error = 0;
  }
}

void Link::reconnect() {
  for (milliseconds time = kFirstPause; !is_stopped(); time = std::min(time * 2, kLongestPause)) {
    give_up_if_late();
    pause(time);
    try {
      const auto stream = open();
      replay(*stream);
      const std::lock_guard guard(lock_);
      stream_ = stream;
      connection_++;
      state_ = State::Up;
      if (calls_.empty()) failing_since_.reset();
      changed_.notify_all();
      return;
    } catch (const std::exception&) {
      // The next attempt may find the server up, the export as it was, or memory.
    }
  }
  const std::lock_guard guard(lock_);
  state_ = State::Down;
  changed_.notify_all();
}

void Link::give_up_if_late() {
  const std::lock_guard guard(lock_);
  if (Clock::now() - *failing_since_ < options_.reconnect_window) return;
  state_ = State::Down;
  changed_.notify_all();
}

/// Gives a server what the one before may have lost. One request at a time, since nobody reads answers meanwhile.
void Link::replay(Stream& stream) {
  std::unique_lock guard(lock_);
  const std::vector<Request> requests = unflushed_.all();
  guard.unlock();
  for (const Request& request : requests) {
    Call call{.request = request};
    Replies replies(stream, is_structured_, [&](std::uint64_t cookie) { return cookie == 0 ? &call : nullptr; });
    const Time deadline = Clock::now() + options_.answer_timeout;
    int error = send_request(stream, request, 0, deadline);
    for (bool is_finished = false; error == 0 && !is_finished;) {
      std::uint64_t cookie = 0;
      error = replies.take(deadline, is_finished, cookie);
      if (error == 0 && Clock::now() >= deadline) error = ETIMEDOUT;
    }
    if (error != 0 || call.error != 0) throw Refused("the server does not take again what it had");
  }
}

bool Link::is_stopped() const {
  pollfd stop{stop_[0], POLLIN, 0};
  return poll(&stop, 1, 0) > 0;
}

/// Ends early when the link is to be closed.
void Link::pause(milliseconds time) const {
  pollfd stop{stop_[0], POLLIN, 0};
  poll(&stop, 1, static_cast<int>(time.count()));
}

}  // namespace tsbhyve::disk::nbd
