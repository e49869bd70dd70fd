// SPDX-License-Identifier: BSD-2-Clause
// A small NBD server on a unix socket that can be told to misbehave. It has its own numbers, from the protocol's
// document.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace test {

struct Behaviour {
  std::uint64_t size = 1 << 20;
  std::uint16_t flags = 0x6d;  // has flags, flush, FUA, trim, write zeroes
  bool structured = true;
  bool splits_reads = false;        // data and holes, last part first
  bool loses_unflushed = false;     // when a connection ends
  int drop_before_reply = -1;       // ends the connection instead of this reply, counted over all connections
  bool answers = true;              // else it stays silent after the negotiation
  std::uint32_t error = 0;          // of every reply
  std::uint32_t minimum_block = 1;  // and what it tells of the others
  std::uint32_t maximum_payload = 32 << 20;
  std::uint32_t go_error = 0;  // instead of the export
  /// Changes what is about to be sent.
  std::function<void(std::vector<std::uint8_t>&)> spoil = nullptr;
};

class Server {
 public:
  explicit Server(Behaviour behaviour);
  ~Server();

  const std::string& path() const { return path_; }
  /// Ends all connections and takes no new one until `start`.
  void stop();
  void start();

  Behaviour behaviour;
  std::vector<std::uint8_t> disk, stable;
  std::atomic<int> replies = 0, connections = 0, flushes = 0, fua_writes = 0;
  std::atomic<int> longest = 0;  // request, in bytes

 private:
  void serve();
  void connection(int fd);
  bool negotiate(int fd);
  bool answer(int fd);
  bool send(int fd, std::vector<std::uint8_t> bytes);
  void apply(std::uint16_t type, std::uint16_t flags, std::uint64_t offset, const std::vector<std::uint8_t>& data);

  std::string path_;
  int listener_ = -1;
  std::atomic<int> current_ = -1;
  std::thread thread_;
};

}  // namespace test
