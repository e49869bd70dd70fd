// SPDX-License-Identifier: BSD-2-Clause
#include "net/link.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "hostio/quiet_thread.h"

namespace tsbhyve::net {

namespace {

/// Of each direction; more than the windows of some TCP connections together.
constexpr std::uint32_t ring_bytes = 1 << 20;
/// Frames that are sent before the other direction is looked at.
constexpr int frames_at_once = 256;

}  // namespace

Link::Link(Announce announce)
    : announce_(std::move(announce)), incoming_(std::make_shared<FrameRing>(ring_bytes)), outgoing_(ring_bytes) {
  int ends[2];
  if (pipe(ends) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  wake_read_ = ends[0], wake_write_ = ends[1];
  for (const int end : ends) {
    fcntl(end, F_SETFL, O_NONBLOCK);
    fcntl(end, F_SETFD, FD_CLOEXEC);
  }
}

Link::~Link() {
  close(wake_read_);
  close(wake_write_);
}

void Link::start() {
  thread_ = start_quiet_thread([this] { run(); });
}

void Link::stop() {
  stopping_ = true;
  wake();
  if (thread_.joinable()) thread_.join();
}

bool Link::send(std::span<const std::uint8_t> header, std::span<const std::uint8_t> frame) {
  if (header.size() > header_bytes || frame.size() > longest_frame || failed_) return false;
  if (outgoing_.is_empty() && transmit_at_once(header, frame)) return true;
  const auto length = static_cast<std::uint32_t>(header_bytes + frame.size());
  const auto room = outgoing_.reserve(length);
  if (room.empty()) return false;
  std::memset(room.data(), 0, header_bytes);
  std::memcpy(room.data(), header.data(), header.size());
  std::memcpy(room.data() + header_bytes, frame.data(), frame.size());
  outgoing_.commit(length);
  if (asleep_.exchange(false)) wake();
  return true;
}

bool Link::transmit_at_once(std::span<const std::uint8_t>, std::span<const std::uint8_t>) { return false; }

/// Taken back before looking: what is committed after that is announced.
std::uint32_t Link::take() {
  announced_ = false;
  return incoming_->waiting();
}

void Link::release(std::uint32_t bytes) {
  incoming_->release(bytes);
  if (stalled_.exchange(false)) wake();
}

std::string Link::failure() const {
  const std::lock_guard guard(lock_);
  return failure_;
}

void Link::commit(std::uint32_t length) {
  incoming_->commit(length);
  if (!announced_.exchange(true)) announce_();
}

bool Link::may_receive() {
  if (incoming_->has_room(longest_record)) return true;
  stalled_ = true;
  // Room may have come just before that could be seen.
  if (!incoming_->has_room(longest_record)) return false;
  stalled_ = false;
  return true;
}

void Link::fail(const std::string& why) {
  if (failed_.exchange(true)) return;
  {
    const std::lock_guard guard(lock_);
    failure_ = why;
  }
  announce_();
}

void Link::wake() {
  const char byte = 0;
  // A full pipe wakes as well.
  while (write(wake_write_, &byte, 1) < 0 && errno == EINTR) continue;
}

void Link::forget_wakes() {
  char bytes[64];
  while (read(wake_read_, bytes, sizeof bytes) == sizeof bytes) continue;
}

/// True if a frame has to wait.
bool Link::drain() {
  for (int count = 0; count < frames_at_once; count++) {
    const auto record = outgoing_.front();
    if (record.empty()) return false;
    if (!transmit(record)) return true;
    outgoing_.pop();
  }
  return false;
}

void Link::run() {
  std::vector<pollfd> polled;
  while (!stopping_ && !failed_) {
    const bool is_blocked = drain();
    polled.assign(1, {wake_read_, POLLIN, 0});
    int timeout = prepare(polled, is_blocked);
    asleep_ = true;
    // What was sent just before that could be seen wakes nobody.
    if (stopping_ || (!is_blocked && !outgoing_.is_empty())) timeout = 0;
    const int ready = poll(polled.data(), polled.size(), timeout);
    asleep_ = false;
    if (ready < 0 && errno != EINTR) return fail(std::strerror(errno));
    if (ready < 0) continue;
    if (polled[0].revents) forget_wakes();
    handle(std::span(polled).subspan(1));
  }
}

}  // namespace tsbhyve::net
