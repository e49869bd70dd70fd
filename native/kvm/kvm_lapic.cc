// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_lapic.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "engine/lapic_state.h"
#include "kvm/kvm_msr.h"

namespace tsbhyve::kvm {

namespace {

/// Offsets in the xAPIC page (SDM vol. 3, table 11-1).
enum : std::size_t {
  Id = 0x20,
  Version = 0x30,
  Tpr = 0x80,
  Ldr = 0xd0,
  Dfr = 0xe0,
  Svr = 0xf0,
  Isr = 0x100,
  Tmr = 0x180,
  Irr = 0x200,
  Esr = 0x280,
  IcrLow = 0x300,
  IcrHigh = 0x310,
  LvtTimer = 0x320,
  InitialCount = 0x380,
  CurrentCount = 0x390,
  DivideConfiguration = 0x3e0,
};

constexpr std::uint64_t base_x2 = 1 << 10;
constexpr std::uint32_t mode_one_shot = 0, mode_periodic = 1, mode_tsc_deadline = 2;
constexpr std::size_t lvt_entries = 6;
constexpr std::size_t index_of(LapicRow row) { return static_cast<std::size_t>(row); }

std::uint32_t at(const kvm_lapic_state& state, std::size_t offset) {
  std::uint32_t value;
  std::memcpy(&value, state.regs + offset, sizeof value);
  return value;
}

void put(kvm_lapic_state& state, std::size_t offset, std::uint64_t value) {
  const auto word = static_cast<std::uint32_t>(value);
  std::memcpy(state.regs + offset, &word, sizeof word);
}

/// Rows that are registers of the page as they are. The LVT entries follow each other in the same order.
struct Plain {
  LapicRow row;
  std::size_t offset, count;
};
constexpr Plain plain[] = {
    {LapicRow::task_priority, Tpr, 1},
    {LapicRow::logical_destination, Ldr, 1},
    {LapicRow::destination_format, Dfr, 1},
    {LapicRow::spurious, Svr, 1},
    {LapicRow::error_status, Esr, 1},
    {LapicRow::in_service, Isr, 8},
    {LapicRow::trigger_mode, Tmr, 8},
    {LapicRow::request, Irr, 8},
    {LapicRow::lvt, LvtTimer, lvt_entries},
    {LapicRow::initial_count, InitialCount, 1},
    {LapicRow::divide_configuration, DivideConfiguration, 1},
};

std::uint32_t timer_mode(const kvm_lapic_state& state) { return at(state, LvtTimer) >> 17 & 3; }

/// Nanoseconds of one count (SDM vol. 3, figure 11-10).
std::uint64_t period(const kvm_lapic_state& state) {
  const std::uint32_t word = at(state, DivideConfiguration);
  const std::uint32_t code = (word & 3) | (word & 8) >> 1;
  return code == 7 ? 1 : std::uint64_t{2} << code;
}

bool counts(const kvm_lapic_state& state) {
  return timer_mode(state) != mode_tsc_deadline && at(state, InitialCount) != 0;
}

}  // namespace

kvm_lapic_state Lapic::read() const {
  kvm_lapic_state state{};
  TSBHYVE_KVM(vcpu_.fd(), KVM_GET_LAPIC, &state);
  return state;
}

void Lapic::write(kvm_lapic_state state) { TSBHYVE_KVM(vcpu_.fd(), KVM_SET_LAPIC, &state); }

std::uint32_t Lapic::count_left(const kvm_lapic_state& state) const {
  return clock_.held() ? held_count_ : at(state, CurrentCount);
}

std::vector<std::uint64_t> Lapic::get() const {
  const kvm_lapic_state state = read();
  std::vector<std::uint64_t> rows(lapic_row_count);
  for (const Plain& entry : plain) {
    for (std::size_t i = 0; i < entry.count; i++) rows[index_of(entry.row) + i] = at(state, entry.offset + 16 * i);
  }
  constexpr std::uint32_t indexes[] = {msr_apic_base, msr_tsc_deadline};
  std::uint64_t msrs[2];
  read_msrs(vcpu_, indexes, msrs);
  const std::uint64_t base = msrs[0];
  rows[index_of(LapicRow::base)] = base;
  rows[index_of(LapicRow::id)] = base & base_x2 ? at(state, Id) : at(state, Id) >> 24;
  rows[index_of(LapicRow::interrupt_command)] = at(state, IcrLow) | std::uint64_t{at(state, IcrHigh)} << 32;
  if (counts(state)) {
    const std::uint64_t gone = (at(state, InitialCount) - std::uint64_t{count_left(state)}) * period(state);
    rows[index_of(LapicRow::timer_running)] = 1;
    rows[index_of(LapicRow::timer_start)] = static_cast<std::uint64_t>(clock_.time()) - gone;
  }
  rows[index_of(LapicRow::tsc_deadline)] = clock_.held() ? held_deadline_ : msrs[1];
  return rows;
}

void Lapic::set(std::span<const std::uint64_t> rows) {
  if (rows.size() != lapic_row_count) {
    throw std::invalid_argument("a LAPIC state has " + std::to_string(lapic_row_count) + " rows, not " +
                                std::to_string(rows.size()));
  }
  const auto get = [&rows](LapicRow row) { return rows[index_of(row)]; };
  write_msr(vcpu_, msr_apic_base, get(LapicRow::base));
  kvm_lapic_state state = read();  // for the version register
  for (const Plain& entry : plain) {
    for (std::size_t i = 0; i < entry.count; i++) put(state, entry.offset + 16 * i, rows[index_of(entry.row) + i]);
  }
  put(state, Id, get(LapicRow::base) & base_x2 ? get(LapicRow::id) : get(LapicRow::id) << 24);
  put(state, IcrLow, get(LapicRow::interrupt_command));
  put(state, IcrHigh, get(LapicRow::interrupt_command) >> 32);

  std::uint64_t left = 0;
  if (get(LapicRow::timer_running) && counts(state)) {
    const std::uint64_t count = get(LapicRow::initial_count) & 0xffffffff;
    const std::uint64_t gone = (static_cast<std::uint64_t>(clock_.time()) - get(LapicRow::timer_start)) / period(state);
    if (timer_mode(state) == mode_periodic)
      left = count - gone % count;
    else
      left = gone >= count ? 0 : count - gone;
  } else if (timer_mode(state) == mode_one_shot) {
    put(state, InitialCount, 0);  // the kernel would start any count that is there, or fire at once
  }
  put(state, CurrentCount, left);
  held_count_ = static_cast<std::uint32_t>(left);
  write(state);
  held_deadline_ = timer_mode(state) == mode_tsc_deadline ? get(LapicRow::tsc_deadline) : 0;
  if (!clock_.held() && timer_mode(state) == mode_tsc_deadline) write_msr(vcpu_, msr_tsc_deadline, held_deadline_);
}

std::uint64_t Lapic::deadline() const { return clock_.held() ? held_deadline_ : read_msr(vcpu_, msr_tsc_deadline); }

std::int64_t Lapic::next_deadline() const {
  const kvm_lapic_state state = read();
  const std::int64_t now = clock_.time();
  if (timer_mode(state) == mode_tsc_deadline) {
    const std::uint64_t due = deadline(), tsc = tsc_.value();
    if (due == 0) return INT64_MAX;
    if (due <= tsc) return now;
    const std::int64_t left = clock_.nanoseconds(due - tsc);
    return left > INT64_MAX - now ? INT64_MAX : now + left;
  }
  const std::uint32_t left = count_left(state);
  return left == 0 ? INT64_MAX : now + static_cast<std::int64_t>(left * period(state));
}

void Lapic::before_hold() {
  const kvm_lapic_state state = read();
  held_count_ = counts(state) ? at(state, CurrentCount) : 0;
  held_deadline_ = timer_mode(state) == mode_tsc_deadline ? deadline() : 0;
  if (held_deadline_ != 0) write_msr(vcpu_, msr_tsc_deadline, 0);
}

void Lapic::after_release() {
  kvm_lapic_state state = read();
  if (timer_mode(state) == mode_tsc_deadline) {
    // Now that the TSC has its offset: the kernel computes its own timer with that.
    if (held_deadline_ != 0) write_msr(vcpu_, msr_tsc_deadline, held_deadline_);
  } else if (held_count_ != 0) {
    put(state, CurrentCount, held_count_);
    write(state);
  }
}

}  // namespace tsbhyve::kvm
