// SPDX-License-Identifier: BSD-2-Clause
// Short names for fixed-width integers, used everywhere in the soft engine.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tsbhyve::soft {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i8 = std::int8_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;
__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 i128;

inline constexpr u64 page_size = 4096;
inline constexpr u64 page_offset_mask = page_size - 1;
inline constexpr u64 page_mask = ~page_offset_mask;

}  // namespace tsbhyve::soft
