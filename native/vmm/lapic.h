// SPDX-License-Identifier: BSD-2-Clause
// The kernel's saved local APIC in the contract's rows: its register page comes first, the count of its timer last.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace tsbhyve::vmm {

inline constexpr std::uint32_t lapic_hz = 128 * 1024 * 1024;

std::vector<std::uint64_t> lapic_rows(std::span<const std::uint8_t> state, std::int64_t time);
/// Throws std::invalid_argument for rows that are none of an APIC of this kind.
void put_lapic_rows(std::span<std::uint8_t> state, std::span<const std::uint64_t> rows, std::int64_t time);

/// The same by the registers that a guest could reach itself, where the kernel does not give its state.
struct LapicPage {
  std::function<std::uint32_t(std::size_t offset)> read;
  std::function<void(std::size_t offset, std::uint32_t value)> write;
};
std::vector<std::uint64_t> read_lapic_rows(const LapicPage& page);
/// Throws std::invalid_argument for rows that would need registers to change which nobody can write.
void write_lapic_rows(const LapicPage& page, std::span<const std::uint64_t> rows);

}  // namespace tsbhyve::vmm
