// SPDX-License-Identifier: BSD-2-Clause
// DHCP from user-mode networking, a port that is taken, and frames that no guest should send.
#include "net/slirp_link.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <cstring>
#include <random>

#include "../check.h"
#include "net/link_error.h"

using namespace tsbhyve::net;

namespace {

class Bell {
 public:
  void ring() {
    const std::lock_guard guard(lock_);
    has_rung_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock guard(lock_);
    changed_.wait(guard, [this] { return has_rung_; });
    has_rung_ = false;
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  bool has_rung_ = false;
};

const std::vector<std::uint8_t> header(12);

SlirpOptions options() { return {"10.0.2.0", "255.255.255.0", "10.0.2.2", "10.0.2.3", "10.0.2.15", false, {}}; }

/// A DHCPDISCOVER (RFC 2131) whose UDP sum is left to the other side.
std::vector<std::uint8_t> discover() {
  std::vector<std::uint8_t> frame(14 + 20 + 8 + 240 + 4);
  std::memset(frame.data(), 0xff, 6);
  const std::uint8_t mac[] = {2, 0, 0, 0, 0, 1};
  std::memcpy(&frame[6], mac, 6);
  frame[12] = 8;
  const std::uint8_t ip[] = {0x45, 0, 1, 14, 0, 0, 0, 0, 64, 17, 0x79, 0xe0, 0, 0, 0, 0, 255, 255, 255, 255};
  std::memcpy(&frame[14], ip, sizeof ip);
  const std::uint8_t udp[] = {0, 68, 0, 67, 0, 0, 0, 0};
  std::memcpy(&frame[34], udp, sizeof udp);
  std::uint8_t* const dhcp = &frame[42];
  dhcp[0] = 1, dhcp[1] = 1, dhcp[2] = 6, dhcp[4] = 0x39;
  std::memcpy(dhcp + 28, mac, 6);
  const std::uint8_t rest[] = {0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255};
  std::memcpy(dhcp + 236, rest, sizeof rest);
  const auto total = static_cast<std::uint16_t>(frame.size() - 14), payload = static_cast<std::uint16_t>(total - 20);
  frame[16] = static_cast<std::uint8_t>(total >> 8), frame[17] = static_cast<std::uint8_t>(total);
  frame[38] = static_cast<std::uint8_t>(payload >> 8), frame[39] = static_cast<std::uint8_t>(payload);
  std::uint32_t sum = 0;
  frame[24] = frame[25] = 0;
  for (std::size_t at = 14; at < 34; at += 2) sum += static_cast<std::uint32_t>(frame[at] << 8 | frame[at + 1]);
  sum = ~((sum & 0xffff) + (sum >> 16));
  frame[24] = static_cast<std::uint8_t>(sum >> 8), frame[25] = static_cast<std::uint8_t>(sum);
  return frame;
}

void offers_an_address() {
  Bell bell;
  const auto link = open_slirp(options(), [&bell] { bell.ring(); });
  link->start();
  CHECK(link->send(header, discover()));
  for (;;) {
    while (link->take() == 0) bell.wait();
    const auto record = link->incoming()->front();
    // Router advertisements may come before it.
    const bool is_dhcp = record.size() > 12 + 14 + 28 + 20 && record[12 + 12] == 8 && record[12 + 14 + 9] == 17;
    const std::uint8_t offered[] = {10, 0, 2, 15};
    if (is_dhcp) {
      CHECK(std::memcmp(&record[12 + 42 + 16], offered, 4) == 0);
      CHECK(record[0] == 2);
      return;
    }
    link->incoming()->pop();
  }
}

void a_port_that_is_taken_is_named() {
  const int taken = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  void* const at = &address;
  CHECK(bind(taken, static_cast<sockaddr*>(at), length) == 0 && listen(taken, 1) == 0);
  getsockname(taken, static_cast<sockaddr*>(at), &length);
  auto with_rule = options();
  with_rule.forwards = {{false, "127.0.0.1", "", ntohs(address.sin_port), 22}};
  std::string problem;
  try {
    open_slirp(with_rule, [] {});
  } catch (const LinkError& error) {
    problem = error.what();
  }
  CHECK(problem ==
        "cannot listen on port " + std::to_string(ntohs(address.sin_port)) + " of '127.0.0.1': Address already in use");
  close(taken);
  // And it can be had, for as long as the link lives.
  for (int round = 0; round < 2; round++) open_slirp(with_rule, [] {});
}

void nonsense_does_no_harm() {
  Bell bell;
  const auto link = open_slirp(options(), [&bell] { bell.ring(); });
  link->start();
  std::mt19937 random(7);
  const auto sound = discover();
  for (int count = 0; count < 20'000; count++) {
    auto frame = sound;
    frame.resize(random() % 2 ? random() % 1600 : sound.size());
    for (auto hits = random() % 8; hits-- > 0 && !frame.empty();) {
      frame[random() % frame.size()] = static_cast<std::uint8_t>(random());
    }
    auto asked = header;
    if (random() % 4 == 0) asked[0] = 1, asked[6] = static_cast<std::uint8_t>(random());
    link->send(asked, frame);
    link->release(link->take());
  }
}

}  // namespace

int main() {
  offers_an_address();
  a_port_that_is_taken_is_named();
  nonsense_does_no_harm();
  return test::report();
}
