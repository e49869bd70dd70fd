// SPDX-License-Identifier: BSD-2-Clause
// A connection to an NBD server: whole transfers or an errno, each with a deadline, and ended by a pipe from outside.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace tsbhyve::disk::nbd {

using Clock = std::chrono::steady_clock;

/// Where a server is reached; a host may have several.
struct Endpoint {
  sockaddr_storage address;
  socklen_t length;
};

class Stream {
 public:
  /// Takes the socket over. Whatever waits ends with ECANCELED once `stop_fd` can be read.
  Stream(int fd, int stop_fd) : fd_(fd), stop_fd_(stop_fd) {}
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Null, with the reason in `error`, if there is no connection until the deadline.
  static std::shared_ptr<Stream> connect(const Endpoint& to, int stop_fd, Clock::time_point deadline, int& error);

  /// 0 or an errno; an end of the stream is ECONNRESET. The parts of `send` are changed.
  int send(std::vector<iovec> parts, Clock::time_point deadline);
  int send(const void* bytes, std::size_t length, Clock::time_point deadline);
  int receive(void* to, std::size_t length, Clock::time_point deadline);
  int skip(std::size_t length, Clock::time_point deadline);
  /// 0 once something can be read.
  int wait_readable(Clock::time_point deadline) { return wait(true, deadline); }
  /// Ends the connection for whoever uses it on any thread.
  void shut();

 private:
  int wait(bool readable, Clock::time_point deadline);

  const int fd_;
  const int stop_fd_;
};

/// Throws std::runtime_error with a reason if the name cannot be looked up.
std::vector<Endpoint> find_endpoints(const std::string& unix_path, const std::string& host, const std::string& port);

}  // namespace tsbhyve::disk::nbd
