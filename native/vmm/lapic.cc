// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/lapic.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#include "engine/lapic_state.h"

namespace tsbhyve::vmm {

namespace {

__extension__ using i128 = __int128;

constexpr std::size_t page_bytes = 4096, count_bytes = 4;
constexpr std::uint64_t base_at_reset = 0xfee00800, bootstrap = 1 << 8;  // enabled (SDM vol. 3, figure 11-5)
constexpr std::size_t id_at = 0x20, spurious_at = 0xf0, command_low = 0x300, command_high = 0x310,
                      initial_count = 0x380, current_count = 0x390, divide_configuration = 0x3e0;
constexpr std::uint32_t mode_periodic = 1;

/// Rows that are registers of the page as they are (SDM vol. 3, table 11-1).
struct Plain {
  LapicRow row;
  std::size_t offset, count;
  bool writable = true;  // by a guest
};
constexpr Plain plain[] = {
    {LapicRow::task_priority, 0x80, 1},
    {LapicRow::logical_destination, 0xd0, 1},
    {LapicRow::destination_format, 0xe0, 1},
    {LapicRow::spurious, spurious_at, 1},
    {LapicRow::in_service, 0x100, 8, false},
    {LapicRow::trigger_mode, 0x180, 8, false},
    {LapicRow::request, 0x200, 8, false},
    {LapicRow::error_status, 0x280, 1, false},
    {LapicRow::lvt, 0x320, 6},
    {LapicRow::initial_count, initial_count, 1},
    {LapicRow::divide_configuration, divide_configuration, 1},
};

/// The kernel gives the first vCPU the part of the bootstrap processor.
constexpr std::uint64_t base_of(std::uint64_t id) { return id == 0 ? base_at_reset | bootstrap : base_at_reset; }

constexpr std::size_t at(LapicRow row) { return static_cast<std::size_t>(row); }

std::uint32_t get(std::span<const std::uint8_t> state, std::size_t offset) {
  std::uint32_t value;
  std::memcpy(&value, state.data() + offset, sizeof value);
  return value;
}

void put(std::span<std::uint8_t> state, std::size_t offset, std::uint64_t value) {
  const auto word = static_cast<std::uint32_t>(value);
  std::memcpy(state.data() + offset, &word, sizeof word);
}

void check(std::span<const std::uint8_t> state) {
  if (state.size() < page_bytes + count_bytes)
    throw std::invalid_argument("this kernel's local APIC has a state that is not known here");
}

/// SDM vol. 3, figure 11-10.
std::uint32_t divisor(std::uint64_t configuration) {
  const auto code = static_cast<std::uint32_t>((configuration & 3) | (configuration & 8) >> 1);
  return code == 7 ? 1 : 2u << code;
}

std::int64_t nanoseconds(std::uint64_t counts, std::uint64_t configuration) {
  return static_cast<std::int64_t>(static_cast<i128>(counts) * divisor(configuration) * 1'000'000'000 / lapic_hz);
}

/// What is left of a running count.
std::uint64_t counts_left(std::span<const std::uint64_t> rows, std::int64_t time) {
  const std::uint64_t count = rows[at(LapicRow::initial_count)];
  if (rows[at(LapicRow::timer_running)] == 0 || count == 0) return 0;
  const std::int64_t passed =
      std::max<std::int64_t>(time - static_cast<std::int64_t>(rows[at(LapicRow::timer_start)]), 0);
  const auto gone = static_cast<std::uint64_t>(static_cast<i128>(passed) * lapic_hz / 1'000'000'000 /
                                               divisor(rows[at(LapicRow::divide_configuration)]));
  const bool periodic = (rows[at(LapicRow::lvt)] >> 17 & 3) == mode_periodic;
  if (periodic) return count - gone % count;
  return gone >= count ? 1 : count - gone;  // late, and at once
}

}  // namespace

std::vector<std::uint64_t> lapic_rows(std::span<const std::uint8_t> state, std::int64_t time) {
  check(state);
  std::vector<std::uint64_t> rows(lapic_row_count);
  for (const Plain& entry : plain) {
    for (std::size_t i = 0; i < entry.count; i++) rows[at(entry.row) + i] = get(state, entry.offset + 16 * i);
  }
  rows[at(LapicRow::id)] = get(state, id_at) >> 24;
  rows[at(LapicRow::base)] = base_of(rows[at(LapicRow::id)]);
  rows[at(LapicRow::interrupt_command)] = get(state, command_low) | std::uint64_t{get(state, command_high)} << 32;
  const std::uint32_t left = get(state, state.size() - count_bytes);
  if (left != 0) {
    rows[at(LapicRow::timer_running)] = 1;
    const std::int64_t passed = nanoseconds(get(state, initial_count) - left, get(state, divide_configuration));
    rows[at(LapicRow::timer_start)] = static_cast<std::uint64_t>(time - passed);
  }
  return rows;
}

void put_lapic_rows(std::span<std::uint8_t> state, std::span<const std::uint64_t> rows, std::int64_t time) {
  check(state);
  if (rows.size() != lapic_row_count) {
    throw std::invalid_argument("a LAPIC state has " + std::to_string(lapic_row_count) + " rows, not " +
                                std::to_string(rows.size()));
  }
  for (const Plain& entry : plain) {
    for (std::size_t i = 0; i < entry.count; i++) put(state, entry.offset + 16 * i, rows[at(entry.row) + i]);
  }
  put(state, id_at, rows[at(LapicRow::id)] << 24);
  put(state, command_low, rows[at(LapicRow::interrupt_command)]);
  put(state, command_high, rows[at(LapicRow::interrupt_command)] >> 32);
  const std::uint64_t left = counts_left(rows, time);
  put(state, current_count, left);
  put(state, state.size() - count_bytes, left);
}

std::vector<std::uint64_t> read_lapic_rows(const LapicPage& page) {
  std::vector<std::uint64_t> rows(lapic_row_count);
  for (const Plain& entry : plain) {
    for (std::size_t i = 0; i < entry.count; i++) rows[at(entry.row) + i] = page.read(entry.offset + 16 * i);
  }
  rows[at(LapicRow::id)] = page.read(id_at) >> 24;
  rows[at(LapicRow::base)] = base_of(rows[at(LapicRow::id)]);
  return rows;
}

/// The spurious vector register first: an APIC that it has off keeps its local vectors masked.
void write_lapic_rows(const LapicPage& page, std::span<const std::uint64_t> rows) {
  const std::vector<std::uint64_t> now = read_lapic_rows(page);
  if (rows.size() != now.size()) throw std::invalid_argument("a LAPIC state has another number of rows");
  const auto spurious = at(LapicRow::spurious);
  if (rows[spurious] != now[spurious]) page.write(spurious_at, static_cast<std::uint32_t>(rows[spurious]));
  for (const Plain& entry : plain) {
    for (std::size_t i = 0; i < entry.count; i++) {
      const std::uint64_t value = rows[at(entry.row) + i];
      if (value == now[at(entry.row) + i] || entry.row == LapicRow::spurious) continue;
      if (!entry.writable)
        throw std::invalid_argument("the local APIC's interrupts can be set on a kernel with BHYVE_SNAPSHOT only");
      page.write(entry.offset + 16 * i, static_cast<std::uint32_t>(value));
    }
  }
}

}  // namespace tsbhyve::vmm
