// SPDX-License-Identifier: BSD-2-Clause
// The APIC's state as rows of u64, in the order of engine/lapic_state.h.
#include "soft/apic.h"

#include "engine/lapic_state.h"
#include "soft/cpu.h"

namespace tsbhyve::soft {

std::vector<u64> LocalApic::save() const {
  std::vector<u64> rows(lapic_row_count);
  const ApicState& s = state_;
  auto put = [&rows](LapicRow row, u64 value, size_t offset = 0) { rows[static_cast<size_t>(row) + offset] = value; };
  put(LapicRow::base, s.base);
  put(LapicRow::id, s.id);
  put(LapicRow::task_priority, s.task_priority);
  put(LapicRow::logical_destination, s.logical_destination);
  put(LapicRow::destination_format, s.destination_format);
  put(LapicRow::spurious, s.spurious);
  put(LapicRow::error_status, s.error_status);
  put(LapicRow::error_pending, s.error_pending);
  put(LapicRow::interrupt_command, s.interrupt_command);
  for (size_t i = 0; i < 8; i++) {
    put(LapicRow::in_service, s.in_service[i], i);
    put(LapicRow::trigger_mode, s.trigger_mode[i], i);
    put(LapicRow::request, s.request[i], i);
    put(LapicRow::ended_levels, s.ended_levels[i], i);
  }
  for (size_t i = 0; i < LvtCount; i++) put(LapicRow::lvt, s.lvt[i], i);
  put(LapicRow::initial_count, s.initial_count);
  put(LapicRow::divide_configuration, s.divide_configuration);
  put(LapicRow::timer_start, s.timer_start);
  put(LapicRow::timer_running, s.timer_running);
  put(LapicRow::tsc_deadline, s.tsc_deadline);
  put(LapicRow::external_request, s.external_request);
  return rows;
}

bool LocalApic::load(std::span<const u64> rows) {
  if (rows.size() != lapic_row_count) return false;
  ApicState s;
  auto get = [&rows](LapicRow row, size_t offset = 0) { return rows[static_cast<size_t>(row) + offset]; };
  auto get32 = [&get](LapicRow row, size_t offset = 0) { return static_cast<u32>(get(row, offset)); };
  s.base = get(LapicRow::base);
  s.id = get32(LapicRow::id);
  s.task_priority = get32(LapicRow::task_priority);
  s.logical_destination = get32(LapicRow::logical_destination);
  s.destination_format = get32(LapicRow::destination_format);
  s.spurious = get32(LapicRow::spurious);
  s.error_status = get32(LapicRow::error_status);
  s.error_pending = get32(LapicRow::error_pending);
  s.interrupt_command = get(LapicRow::interrupt_command);
  for (size_t i = 0; i < 8; i++) {
    s.in_service[i] = get32(LapicRow::in_service, i);
    s.trigger_mode[i] = get32(LapicRow::trigger_mode, i);
    s.request[i] = get32(LapicRow::request, i);
    s.ended_levels[i] = get32(LapicRow::ended_levels, i);
  }
  for (size_t i = 0; i < LvtCount; i++) s.lvt[i] = get32(LapicRow::lvt, i);
  s.initial_count = get32(LapicRow::initial_count);
  s.divide_configuration = get32(LapicRow::divide_configuration);
  s.timer_start = get(LapicRow::timer_start);
  s.timer_running = get(LapicRow::timer_running) != 0;
  s.tsc_deadline = get(LapicRow::tsc_deadline);
  s.external_request = get(LapicRow::external_request) != 0;
  if (s.timer_running && s.initial_count == 0) return false;  // would divide by zero
  state_ = s;
  update();
  return true;
}

}  // namespace tsbhyve::soft
