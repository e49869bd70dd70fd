// SPDX-License-Identifier: BSD-2-Clause
#include "net/tap_link.h"

#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tsbhyve::net {

namespace {

/// Frames that are read before the other direction is looked at.
constexpr int frames_at_once = 64;

}  // namespace

int TapLink::prepare(std::vector<pollfd>& polled, bool is_blocked) {
  const int events = (may_receive() ? POLLIN : 0) | (is_blocked ? POLLOUT : 0);
  polled.push_back({tap_.fd(), static_cast<short>(events), 0});
  return -1;
}

void TapLink::handle(std::span<const pollfd> polled) {
  if (!(polled[0].revents & ~POLLOUT)) return;
  // `poll` tells of errors unasked, and would not let the thread sleep.
  if (!(polled[0].events & POLLIN) && !(polled[0].revents & (POLLERR | POLLHUP | POLLNVAL))) return;
  for (int count = 0; count < frames_at_once; count++) {
    const auto room = reserve();
    if (room.empty()) return;
    // The header lies before the frame, as in a record; one that the device does not give is all zero.
    const std::uint32_t missing = header_bytes - tap_.header_bytes();
    std::memset(room.data(), 0, missing);
    const ssize_t length = read(tap_.fd(), room.data() + missing, room.size() - missing);
    if (length < 0) {
      if (errno != EAGAIN && errno != EINTR) fail(std::strerror(errno));
      return;
    }
    if (length > 0) commit(missing + static_cast<std::uint32_t>(length));
  }
}

/// What the system does not take is lost, on a tap that is down above all; only its buffers are worth waiting for.
bool TapLink::transmit(std::span<std::uint8_t> record) {
  const auto given = record.subspan(header_bytes - tap_.header_bytes());
  return write(tap_.fd(), given.data(), given.size()) >= 0 || errno != EAGAIN;
}

bool TapLink::transmit_at_once(std::span<const std::uint8_t> header, std::span<const std::uint8_t> frame) {
  if (header.size() < tap_.header_bytes()) return false;
  // writev(2) has the type of readv(2), which writes.
  const iovec parts[] = {{const_cast<std::uint8_t*>(header.data()), tap_.header_bytes()},
                         {const_cast<std::uint8_t*>(frame.data()), frame.size()}};
  return writev(tap_.fd(), parts, 2) >= 0 || errno != EAGAIN;
}

}  // namespace tsbhyve::net
