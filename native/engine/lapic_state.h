// SPDX-License-Identifier: BSD-2-Clause
// Rows of a saved local APIC: one u64 each. Part of the ABI, as engine/registers.h is.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tsbhyve {

// clang-format off
#define TSBHYVE_LAPIC_ROWS(R) \
  R(base, 1) R(id, 1) R(task_priority, 1) R(logical_destination, 1) R(destination_format, 1) R(spurious, 1) \
  R(error_status, 1) R(error_pending, 1) R(interrupt_command, 1) R(in_service, 8) R(trigger_mode, 8) R(request, 8) \
  R(lvt, 6) R(initial_count, 1) R(divide_configuration, 1) R(timer_start, 1) R(timer_running, 1) R(tsc_deadline, 1) \
  R(external_request, 1) R(ended_levels, 8)
// clang-format on

struct LapicRowInfo {
  const char* name;
  std::size_t count;
};

inline constexpr LapicRowInfo lapic_rows[] = {
#define R(name, count) {#name, count},
    TSBHYVE_LAPIC_ROWS(R)
#undef R
};

/// Index of the first u64 of a row.
enum class LapicRow : std::size_t {
#define R(name, count) name, name##_last = name + count - 1,
  TSBHYVE_LAPIC_ROWS(R)
#undef R
      Count
};

inline constexpr std::size_t lapic_row_count = static_cast<std::size_t>(LapicRow::Count);

}  // namespace tsbhyve
