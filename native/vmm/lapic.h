// SPDX-License-Identifier: BSD-2-Clause
// The kernel's saved local APIC in the contract's rows: its register page comes first, the count of its timer last.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tsbhyve::vmm {

inline constexpr std::uint32_t lapic_hz = 128 * 1024 * 1024;

std::vector<std::uint64_t> lapic_rows(std::span<const std::uint8_t> state, std::int64_t time);
/// Throws std::invalid_argument for rows that are none of an APIC of this kind.
void put_lapic_rows(std::span<std::uint8_t> state, std::span<const std::uint64_t> rows, std::int64_t time);

}  // namespace tsbhyve::vmm
