// SPDX-License-Identifier: BSD-2-Clause
// User-mode network address translation by libslirp: DHCP, DNS, TCP and UDP to the outside, and ports that lead in.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "net/link.h"

namespace tsbhyve::net {

struct SlirpForward {
  bool is_udp;
  /// Numeric, of one family; an empty one stands for all of the host's, or for the first that DHCP gives.
  std::string host_address, guest_address;
  std::uint16_t host_port, guest_port;
};

struct SlirpOptions {
  /// Numeric IPv4 addresses.
  std::string network, mask, host, dns, dhcp_start;
  /// The guest reaches nothing but what is forwarded.
  bool is_restricted;
  std::vector<SlirpForward> forwards;
};

/// Throws LinkError.
std::unique_ptr<Link> open_slirp(const SlirpOptions& options, Link::Announce announce);

}  // namespace tsbhyve::net
