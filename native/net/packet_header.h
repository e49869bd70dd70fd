// SPDX-License-Identifier: BSD-2-Clause
// The header before every frame. Reference: VIRTIO-1.2 §5.1.6.
#pragma once

#include <cstdint>
#include <span>

namespace tsbhyve::net {

inline constexpr std::uint8_t needs_checksum = 1;
/// The sums of this frame are right.
inline constexpr std::uint8_t data_valid = 2;
/// Segments of TCP over IPv4, still to be cut.
inline constexpr std::uint8_t gso_tcp4 = 1;

/// Computes the sum that the header of a record asks for. False if it lies outside the frame.
bool finish_checksum(std::span<std::uint8_t> record);

}  // namespace tsbhyve::net
