// SPDX-License-Identifier: BSD-2-Clause
// Registers of the local APIC's page (SDM vol. 3, table 11-1) that are rows of the contract's as they are.
#pragma once

#include <cstddef>

#include "engine/lapic_state.h"

namespace imitation {

struct LapicRegisters {
  tsbhyve::LapicRow row;
  std::size_t offset, count;
};
inline constexpr LapicRegisters lapic_registers[] = {
    {tsbhyve::LapicRow::task_priority, 0x80, 1},
    {tsbhyve::LapicRow::logical_destination, 0xd0, 1},
    {tsbhyve::LapicRow::destination_format, 0xe0, 1},
    {tsbhyve::LapicRow::spurious, 0xf0, 1},
    {tsbhyve::LapicRow::in_service, 0x100, 8},
    {tsbhyve::LapicRow::trigger_mode, 0x180, 8},
    {tsbhyve::LapicRow::request, 0x200, 8},
    {tsbhyve::LapicRow::error_status, 0x280, 1},
    {tsbhyve::LapicRow::lvt, 0x320, 6},
    {tsbhyve::LapicRow::initial_count, 0x380, 1},
    {tsbhyve::LapicRow::divide_configuration, 0x3e0, 1},
};

}  // namespace imitation
