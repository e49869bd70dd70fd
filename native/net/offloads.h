// SPDX-License-Identifier: BSD-2-Clause
// What may be left to the other side of a link: sums, and segments of each protocol. The same bits go to TypeScript.
#pragma once

#include <cstdint>

namespace tsbhyve::net {

enum Offload : std::uint32_t {
  offload_checksum = 1,
  offload_tcp4 = 2,
  offload_tcp6 = 4,
  offload_udp = 8,
};

inline constexpr std::uint32_t offload_segments = offload_tcp4 | offload_tcp6;
inline constexpr std::uint32_t all_offloads = offload_checksum | offload_segments | offload_udp;

}  // namespace tsbhyve::net
