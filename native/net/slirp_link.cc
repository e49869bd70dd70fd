// SPDX-License-Identifier: BSD-2-Clause
#include "net/slirp_link.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <list>

#include "net/link_error.h"
#include "net/offloads.h"
#include "net/packet_header.h"
#include "net/segment_joiner.h"
#include "net/slirp_library.h"

namespace tsbhyve::net {

namespace {

/// What libslirp's documents and QEMU use; there is no option for it.
constexpr const char *prefix6 = "fec0::", *host6 = "fec0::2", *dns6 = "fec0::3";
constexpr std::uint8_t prefix6_length = 64;

struct Timer {
  SlirpTimerCb fire;
  void* opaque;
  /// Milliseconds of `now()`; -1: not armed.
  std::int64_t due;
};

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}
std::int64_t now_milliseconds() { return now() / 1'000'000; }

in_addr address4(const std::string& text) {
  in_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) != 1) throw LinkError("'" + text + "' is no IPv4 address");
  return address;
}

in6_addr address6(const std::string& text) {
  in6_addr address{};
  if (inet_pton(AF_INET6, text.c_str(), &address) != 1) throw LinkError("'" + text + "' is no IPv6 address");
  return address;
}

union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

SocketAddress socket_address(bool is_v6, const std::string& text, std::uint16_t port) {
  SocketAddress address{};
  if (is_v6) {
    address.v6.sin6_family = AF_INET6;
    address.v6.sin6_port = htons(port);
    address.v6.sin6_addr = address6(text);
  } else {
    address.v4.sin_family = AF_INET;
    address.v4.sin_port = htons(port);
    address.v4.sin_addr = text.empty() ? in_addr{INADDR_ANY} : address4(text);
  }
  return address;
}

short poll_events(int events) {
  return static_cast<short>((events & SLIRP_POLL_IN ? POLLIN : 0) | (events & SLIRP_POLL_OUT ? POLLOUT : 0) |
                            (events & SLIRP_POLL_PRI ? POLLPRI : 0));
}

int slirp_events(short events) {
  return (events & POLLIN ? SLIRP_POLL_IN : 0) | (events & POLLOUT ? SLIRP_POLL_OUT : 0) |
         (events & POLLPRI ? SLIRP_POLL_PRI : 0) | (events & (POLLERR | POLLNVAL) ? SLIRP_POLL_ERR : 0) |
         (events & POLLHUP ? SLIRP_POLL_HUP : 0);
}

class SlirpLink final : public Link {
 public:
  SlirpLink(const SlirpOptions& options, Announce announce);
  ~SlirpLink() override {
    stop();
    library_.cleanup(slirp_);
  }

  std::uint32_t offloads() const override { return offload_checksum | offload_segments; }
  void give(std::uint32_t offloads) override { joins_ = (offloads & offload_tcp4) != 0; }

 private:
  int prepare(std::vector<pollfd>& polled, bool is_blocked) override;
  void handle(std::span<const pollfd> polled) override;
  bool transmit(std::span<std::uint8_t> record) override;

  void forward(const SlirpForward& rule);
  void receive(std::span<const std::uint8_t> frame);
  void end_joining();
  static const SlirpCb& callbacks();

  const SlirpLibrary& library_;
  Slirp* slirp_ = nullptr;
  std::list<Timer> timers_;
  std::atomic<bool> joins_ = false;
  SegmentJoiner joiner_;
};

SlirpLink::SlirpLink(const SlirpOptions& options, Announce announce)
    : Link(std::move(announce)), library_(slirp_library()) {
  SlirpConfig config{};
  // The oldest that has all that is set here: a later library keeps its own defaults for the rest.
  config.version = SLIRP_CONFIG_VERSION_MIN;
  config.restricted = options.is_restricted;
  config.in_enabled = true;
  config.vnetwork = address4(options.network);
  config.vnetmask = address4(options.mask);
  config.vhost = address4(options.host);
  config.vnameserver = address4(options.dns);
  config.vdhcp_start = address4(options.dhcp_start);
  config.in6_enabled = true;
  config.vprefix_addr6 = address6(prefix6);
  config.vprefix_len = prefix6_length;
  config.vhost6 = address6(host6);
  config.vnameserver6 = address6(dns6);
  slirp_ = library_.create(&config, &callbacks(), this);
  if (!slirp_) throw LinkError("libslirp refuses these addresses");
  try {
    for (const SlirpForward& rule : options.forwards) forward(rule);
  } catch (...) {
    library_.cleanup(slirp_);
    throw;
  }
}

void SlirpLink::forward(const SlirpForward& rule) {
  const bool is_v6 = rule.host_address.find(':') != std::string::npos;
  const SocketAddress host = socket_address(is_v6, rule.host_address, rule.host_port),
                      guest = socket_address(is_v6, rule.guest_address, rule.guest_port);
  const socklen_t length = is_v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  // Without V6ONLY a port of all IPv6 addresses would take that of all IPv4 addresses too.
  const int flags = (rule.is_udp ? SLIRP_HOSTFWD_UDP : 0) | (is_v6 ? SLIRP_HOSTFWD_V6ONLY : 0);
  if (library_.add_hostxfwd(slirp_, &host.any, length, &guest.any, length, flags) == 0) return;
  throw LinkError("cannot listen on port " + std::to_string(rule.host_port) + " of '" + rule.host_address +
                  "': " + std::strerror(errno));
}

const SlirpCb& SlirpLink::callbacks() {
  static const SlirpCb table = [] {
    SlirpCb made{};
    made.send_packet = [](const void* bytes, std::size_t length, void* opaque) {
      static_cast<SlirpLink*>(opaque)->receive({static_cast<const std::uint8_t*>(bytes), length});
      return static_cast<ssize_t>(length);
    };
    // What a guest does wrong is the guest's; a line for every such frame would fill the host's log.
    made.guest_error = [](const char*, void*) {};
    made.clock_get_ns = [](void*) { return now(); };
    made.timer_new = [](SlirpTimerCb fire, void* its, void* opaque) -> void* {
      return &static_cast<SlirpLink*>(opaque)->timers_.emplace_back(Timer{fire, its, -1});
    };
    made.timer_free = [](void* timer, void* opaque) {
      static_cast<SlirpLink*>(opaque)->timers_.remove_if([timer](const Timer& other) { return &other == timer; });
    };
    made.timer_mod = [](void* timer, std::int64_t due, void*) { static_cast<Timer*>(timer)->due = due; };
    // Descriptors come with every `pollfds_fill`, on the thread that everything else is called on.
    made.register_poll_fd = [](int, void*) {};
    made.unregister_poll_fd = [](int, void*) {};
    made.notify = [](void*) {};
    return made;
  }();
  return table;
}

/// A frame without room is lost; TCP sends it again.
void SlirpLink::receive(std::span<const std::uint8_t> frame) {
  if (frame.size() > longest_frame || (joiner_.is_open() && joiner_.join(frame))) return;
  end_joining();
  const auto room = reserve();
  if (room.empty()) return;
  std::memset(room.data(), 0, header_bytes);
  room[0] = data_valid;
  std::memcpy(room.data() + header_bytes, frame.data(), frame.size());
  const auto length = static_cast<std::uint32_t>(header_bytes + frame.size());
  if (!joins_ || !joiner_.open(room, length)) commit(length);
}

void SlirpLink::end_joining() {
  if (joiner_.is_open()) commit(joiner_.close());
}

int SlirpLink::prepare(std::vector<pollfd>& polled, bool) {
  end_joining();
  std::uint32_t timeout = UINT32_MAX;
  const auto add = [](int fd, int events, void* opaque) {
    auto& list = *static_cast<std::vector<pollfd>*>(opaque);
    list.push_back({fd, poll_events(events), 0});
    return static_cast<int>(list.size() - 1);
  };
  library_.pollfds_fill(slirp_, &timeout, add, &polled);
  for (const Timer& timer : timers_) {
    if (timer.due < 0) continue;
    const std::int64_t left = std::clamp<std::int64_t>(timer.due - now_milliseconds(), 0, INT32_MAX);
    timeout = std::min(timeout, static_cast<std::uint32_t>(left));
  }
  return timeout > INT32_MAX ? -1 : static_cast<int>(timeout);
}

void SlirpLink::handle(std::span<const pollfd> polled) {
  const auto events = [](int index, void* opaque) {
    // The first of those that were polled is the link's own.
    const auto& list = *static_cast<std::span<const pollfd>*>(opaque);
    return slirp_events(list[static_cast<std::size_t>(index - 1)].revents);
  };
  library_.pollfds_poll(slirp_, 0, events, &polled);
  for (Timer& timer : timers_) {
    if (timer.due < 0 || timer.due > now_milliseconds()) continue;
    timer.due = -1;
    timer.fire(timer.opaque);
  }
}

/// Segments need not be cut: nothing behind libslirp sees how long they are.
bool SlirpLink::transmit(std::span<std::uint8_t> record) {
  if (!finish_checksum(record)) return true;
  const auto frame = record.subspan(header_bytes);
  library_.input(slirp_, frame.data(), static_cast<int>(frame.size()));
  return true;
}

}  // namespace

std::unique_ptr<Link> open_slirp(const SlirpOptions& options, Link::Announce announce) {
  return std::make_unique<SlirpLink>(options, std::move(announce));
}

}  // namespace tsbhyve::net
