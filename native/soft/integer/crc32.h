// SPDX-License-Identifier: BSD-2-Clause
// CRC-32C as the CRC32 instruction computes it: the reflected polynomial 11EDC6F41H (SDM vol. 2, CRC32).
#pragma once

#include <array>

#include "soft/types.h"

namespace tsbhyve::soft {

inline constexpr u32 crc32c_polynomial = 0x82f63b78;

constexpr std::array<u32, 256> make_crc32c_table() {
  std::array<u32, 256> table{};
  for (u32 i = 0; i < table.size(); i++) {
    u32 crc = i;
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? crc32c_polynomial : 0);
    table[i] = crc;
  }
  return table;
}

inline constexpr std::array<u32, 256> crc32c_table = make_crc32c_table();

/// Adds the low `bytes` bytes of `value`, lowest first.
inline u32 crc32c(u32 crc, u64 value, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) crc = crc >> 8 ^ crc32c_table[(crc ^ value >> (8 * i)) & 0xff];
  return crc;
}

}  // namespace tsbhyve::soft
