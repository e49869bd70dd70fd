// SPDX-License-Identifier: BSD-2-Clause
#include "disk/nbd_handshake.h"

#include <errno.h>
#include <string.h>

#include <vector>

#include "disk/nbd_protocol.h"

namespace tsbhyve::disk::nbd {
namespace {

/// More replies to one option than any honest server has for what is asked here.
constexpr int kMostReplies = 64;
/// An information may carry a text; beyond that a reply is nonsense.
constexpr std::uint32_t kLongestReply = kLongestText + 64;
/// The largest that a file's offset can name.
constexpr std::uint64_t kLargestExport = INT64_MAX;

struct Reply {
  std::uint32_t type;
  std::vector<std::uint8_t> payload;
};

class Handshake {
 public:
  Handshake(Stream& stream, const std::string& name, Clock::time_point deadline)
      : stream_(stream), name_(name), deadline_(deadline) {}

  Export run() {
    greet();
    ask(Option::StructuredReply, {});
    agreed_.structured_replies = reply(Option::StructuredReply).type == kReplyAck;
    ask(Option::Go, go_request());
    for (int count = 0; count < kMostReplies; count++) {
      const Reply answer = reply(Option::Go);
      if (answer.type == kReplyAck) return checked();
      if (answer.type & kReplyErrorBit) refuse(answer);
      if (answer.type == kReplyInfo) take(answer.payload);
    }
    throw Refused("the server does not come to an end with its information");
  }

 private:
  void greet() {
    std::uint8_t greeting[18];
    receive(greeting, sizeof greeting);
    if (get<std::uint64_t>(greeting) != kServerMagic) throw Refused("this is no NBD server");
    const auto flags = get<std::uint16_t>(greeting + 16);
    if (get<std::uint64_t>(greeting + 8) != kOptionMagic || !(flags & kFixedNewstyle)) {
      throw Refused("the server speaks an older NBD; one with the fixed newstyle negotiation is accepted");
    }
    std::uint8_t answer[4];
    put<std::uint32_t>(answer, kFixedNewstyle);
    send(answer, sizeof answer);
  }

  std::vector<std::uint8_t> go_request() const {
    const std::size_t length = name_.size();
    std::vector<std::uint8_t> data(4 + length + 2 + 2);
    put(data.data(), static_cast<std::uint32_t>(length));
    if (length > 0) memcpy(data.data() + 4, name_.data(), length);
    put<std::uint16_t>(data.data() + 4 + length, 1);
    put(data.data() + 6 + length, kInfoBlockSize);
    return data;
  }

  void ask(Option option, const std::vector<std::uint8_t>& data) {
    std::vector<std::uint8_t> message(16 + data.size());
    put(message.data(), kOptionMagic);
    put(message.data() + 8, static_cast<std::uint32_t>(option));
    put(message.data() + 12, static_cast<std::uint32_t>(data.size()));
    if (!data.empty()) memcpy(message.data() + 16, data.data(), data.size());
    send(message.data(), message.size());
  }

  Reply reply(Option option) {
    std::uint8_t head[20];
    receive(head, sizeof head);
    const auto length = get<std::uint32_t>(head + 16);
    if (get<std::uint64_t>(head) != kOptionReplyMagic ||
        get<std::uint32_t>(head + 8) != static_cast<std::uint32_t>(option) || length > kLongestReply) {
      throw Refused("the server breaks the NBD protocol in its answer to an option");
    }
    Reply answer{get<std::uint32_t>(head + 12), std::vector<std::uint8_t>(length)};
    receive(answer.payload.data(), length);
    return answer;
  }

  void take(const std::vector<std::uint8_t>& payload) {
    const std::size_t length = payload.size();
    const std::uint8_t* data = payload.data();
    const int type = length < 2 ? -1 : get<std::uint16_t>(data);
    if (type < 0 || (type == kInfoExport && length != 12) || (type == kInfoBlockSize && length != 14)) {
      throw Refused("the server breaks the NBD protocol in its information");
    }
    if (type == kInfoExport) {
      has_size_ = true;
      agreed_.size = get<std::uint64_t>(data + 2);
      agreed_.flags = get<std::uint16_t>(data + 10);
    } else if (type == kInfoBlockSize) {
      agreed_.minimum_block = get<std::uint32_t>(data + 2);
      agreed_.preferred_block = get<std::uint32_t>(data + 6);
      agreed_.maximum_payload = get<std::uint32_t>(data + 10);
    }
  }

  Export checked() const {
    const auto [size, flags, minimum, preferred, maximum, structured] = agreed_;
    const bool is_power = minimum != 0 && (minimum & (minimum - 1)) == 0;
    if (!has_size_ || size > kLargestExport || !(flags & kHasFlags)) {
      throw Refused("the server does not tell the size of the export");
    }
    // "Block size constraints": powers of two, minimum <= 64 KiB, preferred >= minimum.
    if (!is_power || minimum > 65536 || preferred < minimum || maximum < minimum || maximum < 512) {
      throw Refused("the server tells impossible block sizes");
    }
    return agreed_;
  }

  [[noreturn]] void refuse(const Reply& answer) const {
    const std::string name = "'" + name_ + "'";
    switch (answer.type) {
      case kErrorUnknown: throw Refused("the server has no export " + name);
      case kErrorPolicy: throw Refused("the server does not let us use the export " + name);
      case kErrorTlsRequired:
        throw Refused("the server wants TLS, which is not there; a socket without it is accepted");
      case kErrorUnsupported: throw Refused("the server speaks an older NBD, without NBD_OPT_GO");
      case kErrorShutdown: throw Refused("the server is shutting down");
      default:
        throw Refused("the server refuses the export " + name + " with error " +
                      std::to_string(answer.type & ~kReplyErrorBit));
    }
  }

  void receive(void* to, std::size_t length) { check(stream_.receive(to, length, deadline_)); }
  void send(const void* bytes, std::size_t length) { check(stream_.send(bytes, length, deadline_)); }

  static void check(int error) {
    if (error == ETIMEDOUT) throw Refused("the server does not answer");
    if (error == ECONNRESET) throw Refused("the server has closed the connection");
    if (error != 0) throw Refused(std::string("the connection fails: ") + strerror(error));
  }

  Stream& stream_;
  const std::string& name_;
  const Clock::time_point deadline_;
  Export agreed_;
  bool has_size_ = false;
};

}  // namespace

Export shake_hands(Stream& stream, const std::string& export_name, Clock::time_point deadline) {
  return Handshake(stream, export_name, deadline).run();
}

}  // namespace tsbhyve::disk::nbd
