// SPDX-License-Identifier: BSD-2-Clause
// The APIC's state as rows of u64, in the order of engine/lapic_state.h.
#include <iterator>
#include <stdexcept>
#include <string>

#include "engine/lapic_state.h"
#include "soft/apic.h"
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

namespace {

constexpr u64 any = ~u64{0};
constexpr u64 base_bits = 0xffffff000 | 1 << 11 | 1 << 10 | 1 << 8;

/// The bits that each row may have, in the order of the rows; a wider value would be cut.
constexpr u64 legal_bits[] = {
    base_bits,                                                  // base
    0xffffffff, 0xff,       0xffffffff, 0xffffffff, 0x13ff,     // id .. spurious
    0xff,       0xff,       any,                                // error_status .. interrupt_command
    0xffffffff, 0xffffffff, 0xffffffff,                         // in_service .. request
    0x7ffff,                                                    // lvt
    0xffffffff, 0xf,        any,        1,          any,    1,  // initial_count .. external_request
    0xffffffff,                                                 // ended_levels
};
static_assert(std::size(legal_bits) == std::size(lapic_rows));

[[noreturn]] void refuse(const std::string& row, u64 value, const std::string& accepted) {
  throw std::invalid_argument("local APIC, " + row + ": " + std::to_string(value) + " is not " + accepted);
}

void check_bits(std::span<const u64> rows) {
  size_t at = 0;
  for (size_t row = 0; row < std::size(lapic_rows); row++) {
    for (size_t i = 0; i < lapic_rows[row].count; i++, at++) {
      if (rows[at] & ~legal_bits[row])
        refuse(lapic_rows[row].name, rows[at], "within the bits " + std::to_string(legal_bits[row]));
    }
  }
}

void check_vectors(const char* name, const u32 (&words)[8]) {
  if (words[0] & 0xffff) refuse(name, words[0], "free of the vectors 0 to 15");
}

/// What one row must be for the sake of another.
void check_together(const ApicState& s) {
  if ((s.base & 1 << 10) && !(s.base & 1 << 11)) refuse("base", s.base, "a mode: x2APIC needs the APIC enabled");
  if (s.timer_running && s.initial_count == 0) refuse("initial_count", 0, "positive, as a running timer has it");
  check_vectors("in_service", s.in_service);
  check_vectors("request", s.request);
  check_vectors("ended_levels", s.ended_levels);
}

}  // namespace

void LocalApic::load(std::span<const u64> rows) {
  if (rows.size() != lapic_row_count) refuse("number of rows", rows.size(), std::to_string(lapic_row_count));
  check_bits(rows);
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
  s.divide_configuration = get32(LapicRow::divide_configuration) & 0xb;
  s.timer_start = get(LapicRow::timer_start);
  s.timer_running = get(LapicRow::timer_running) != 0;
  s.tsc_deadline = get(LapicRow::tsc_deadline);
  s.external_request = get(LapicRow::external_request) != 0;
  check_together(s);
  state_ = s;
  update();
}

}  // namespace tsbhyve::soft
