// SPDX-License-Identifier: BSD-2-Clause
// Requests to one export of an NBD server, from any thread, over one connection at a time. A thread of its own hands
// replies to those who wait for them, and makes a new connection when one breaks (docs/decisions/0013-nbd.md).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "disk/nbd_call.h"
#include "disk/nbd_handshake.h"
#include "disk/nbd_replies.h"
#include "disk/nbd_unflushed.h"

namespace tsbhyve::disk::nbd {

struct LinkOptions {
  std::string unix_path;   // or host and port
  std::string host, port;  // each a name or a number
  std::string export_name;
  std::chrono::milliseconds connect_timeout{10'000};
  /// A server that owes an answer for longer has hung.
  std::chrono::milliseconds answer_timeout{60'000};
  /// Requests wait so long for a connection on which answers come, and then fail.
  std::chrono::milliseconds reconnect_window{30'000};
};

class Link {
 public:
  /// Throws `Refused` if there is no such export to be used.
  explicit Link(LinkOptions options);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// As the server told it at first; later connections must find the same.
  const Export& agreed() const { return export_; }
  bool has(ExportFlag flag) const { return (export_.flags & flag) != 0; }

  /// Blocks until the server has answered, over as many connections as that takes. A read's bytes go to `to`. 0 or an
  /// errno.
  int call(Request request, std::vector<iovec> to = {});

 private:
  enum class State { Up, Broken, Down };  // Down: broken for so long that requests fail at once
  using Time = Clock::time_point;

  bool is_kept(const Request& request) const;
  int wait_for_answer(Call& call, std::uint64_t cookie);
  std::shared_ptr<Stream> open();
  void replay(Stream& stream);
  void run();
  void take_replies();
  Time oldest_timeout();
  void finish(std::uint64_t cookie);
  void break_off();
  void reconnect();
  void give_up_if_late();
  bool is_stopped() const;
  void pause(std::chrono::milliseconds time) const;

  const LinkOptions options_;
  const std::vector<Endpoint> endpoints_;
  int stop_[2] = {-1, -1};
  Export export_;
  bool is_structured_ = false;  // of the reader

  std::mutex send_lock_;  // one request at a time goes out
  std::mutex lock_;       // of everything below
  std::condition_variable changed_;
  std::shared_ptr<Stream> stream_;
  State state_ = State::Up;
  std::uint64_t connection_ = 0;  // counts them
  std::uint64_t next_cookie_ = 1;
  std::unordered_map<std::uint64_t, Call*> calls_;
  Unflushed unflushed_;
  std::optional<Time> failing_since_;  // no answer has come since then

  std::thread reader_;
};

}  // namespace tsbhyve::disk::nbd
