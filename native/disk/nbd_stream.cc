// SPDX-License-Identifier: BSD-2-Clause
#include "disk/nbd_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <stdexcept>

namespace tsbhyve::disk::nbd {
namespace {

bool would_wait(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

void set_up(int fd, int family) {
  const int on = 1;
#ifdef SO_NOSIGPIPE
  setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
  if (family == AF_UNIX) return;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

/// Leaves out what has been sent.
void advance(std::vector<iovec>& parts, std::size_t& first, std::size_t bytes) {
  while (first < parts.size() && bytes >= parts[first].iov_len) bytes -= parts[first++].iov_len;
  if (bytes == 0) return;
  parts[first].iov_base = static_cast<char*>(parts[first].iov_base) + bytes;
  parts[first].iov_len -= bytes;
}

}  // namespace

Stream::~Stream() { close(fd_); }

void Stream::shut() { shutdown(fd_, SHUT_RDWR); }

std::shared_ptr<Stream> Stream::connect(const Endpoint& to, int stop_fd, Clock::time_point deadline, int& error) {
  const int family = to.address.ss_family;
  const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    error = errno;
    return nullptr;
  }
  auto stream = std::make_shared<Stream>(fd, stop_fd);
  set_up(fd, family);
  error = 0;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to.address), to.length) == 0) return stream;
  error = errno;
  // A unix socket whose queue is full says EAGAIN and is not being connected.
  if (error != EINPROGRESS && error != EINTR) return nullptr;
  error = stream->wait(false, deadline);
  socklen_t size = sizeof error;
  if (error == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  return error == 0 ? stream : nullptr;
}

int Stream::wait(bool readable, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return ETIMEDOUT;
    const auto event = static_cast<short>(readable ? POLLIN : POLLOUT);
    pollfd fds[2] = {{fd_, event, 0}, {stop_fd_, POLLIN, 0}};
    const int ready = poll(fds, 2, static_cast<int>(std::min<long long>(left, INT_MAX)));
    if (ready < 0 && errno != EINTR) return errno;
    if (ready <= 0) continue;
    return fds[1].revents != 0 ? ECANCELED : 0;
  }
}

int Stream::send(std::vector<iovec> parts, Clock::time_point deadline) {
  for (std::size_t first = 0; first < parts.size();) {
    msghdr message{};
    message.msg_iov = parts.data() + first;
    message.msg_iovlen =
        static_cast<decltype(message.msg_iovlen)>(std::min<std::size_t>(parts.size() - first, IOV_MAX));
    const ssize_t sent = sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent >= 0) {
      advance(parts, first, static_cast<std::size_t>(sent));
    } else if (would_wait(errno)) {
      if (const int error = wait(false, deadline)) return error;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

int Stream::send(const void* bytes, std::size_t length, Clock::time_point deadline) {
  return send({{const_cast<void*>(bytes), length}}, deadline);
}

int Stream::receive(void* to, std::size_t length, Clock::time_point deadline) {
  for (auto* at = static_cast<char*>(to); length > 0;) {
    const ssize_t got = recv(fd_, at, length, 0);
    if (got == 0) return ECONNRESET;
    if (got > 0) {
      at += got;
      length -= static_cast<std::size_t>(got);
    } else if (would_wait(errno)) {
      if (const int error = wait(true, deadline)) return error;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

int Stream::skip(std::size_t length, Clock::time_point deadline) {
  char unused[512];
  while (length > 0) {
    const std::size_t part = std::min(length, sizeof unused);
    if (const int error = receive(unused, part, deadline)) return error;
    length -= part;
  }
  return 0;
}

std::vector<Endpoint> find_endpoints(const std::string& unix_path, const std::string& host, const std::string& port) {
  if (!unix_path.empty()) {
    sockaddr_un address{};
    if (unix_path.size() >= sizeof address.sun_path) throw std::runtime_error("the path of the socket is too long");
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, unix_path.c_str(), unix_path.size() + 1);
    Endpoint found{{}, sizeof address};
    memcpy(&found.address, &address, sizeof address);
    return {found};
  }
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(host.c_str(), port.c_str(), &wanted, &list);
  if (error != 0) throw std::runtime_error("cannot find the host '" + host + "': " + gai_strerror(error));
  std::vector<Endpoint> found;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    Endpoint endpoint{{}, one->ai_addrlen};
    memcpy(&endpoint.address, one->ai_addr, one->ai_addrlen);
    found.push_back(endpoint);
  }
  freeaddrinfo(list);
  return found;
}

}  // namespace tsbhyve::disk::nbd
