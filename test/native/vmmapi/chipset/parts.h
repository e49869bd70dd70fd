// SPDX-License-Identifier: BSD-2-Clause
// What the models of the imitated kernel's chips share. Their state is plain data, which a snapshot copies as it is.
#pragma once

#include <cstdint>
#include <functional>

namespace imitation {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i64 = std::int64_t;
__extension__ typedef unsigned __int128 u128;

inline constexpr i64 second = 1'000'000'000;
inline constexpr i64 never = INT64_MAX;

inline u64 ticks_at(i64 time, u64 hz) { return static_cast<u64>(static_cast<u128>(time) * hz / second); }
/// The first nanosecond at which a counter of this rate has come to `ticks`.
inline i64 time_of(u64 ticks, u64 hz) { return static_cast<i64>((static_cast<u128>(ticks) * second + hz - 1) / hz); }

/// A message to the local APICs.
using SendMessage = std::function<void(u64 address, u32 data)>;

}  // namespace imitation
