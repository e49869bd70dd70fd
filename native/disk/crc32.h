// SPDX-License-Identifier: BSD-2-Clause
// CRC-32 as zlib has it (ISO-HDLC, reflected, polynomial 0x04c11db7).
#pragma once

#include <cstddef>
#include <cstdint>

namespace tsbhyve::disk {

inline std::uint32_t crc32(const std::uint8_t* bytes, std::size_t count) {
  std::uint32_t rest = ~std::uint32_t{0};
  for (std::size_t index = 0; index < count; index++) {
    rest ^= bytes[index];
    for (int bit = 0; bit < 8; bit++) rest = rest >> 1 ^ (rest & 1 ? 0xedb88320u : 0u);
  }
  return ~rest;
}

}  // namespace tsbhyve::disk
