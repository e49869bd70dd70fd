// SPDX-License-Identifier: BSD-2-Clause
// State out and in: registers and what a full read costs, MSRs, FPU, LAPIC, the dirty log.
#include <algorithm>
#include <stdexcept>

#include "guest.h"

namespace test {

namespace {

void registers_round_trip() {
  Guest guest({0xf4});
  guest.engine->hold_time(true);
  std::vector<std::uint64_t> values = guest.registers();
  for (std::size_t i = index_of(Register::rax); i <= index_of(Register::r15); i++) values[i] = 0x0123456789abcd00 + i;
  values[index_of(Register::rflags)] = 0x893;
  values[index_of(Register::fs_selector)] = 0x1230;
  values[index_of(Register::fs_base)] = 0x12300;
  values[index_of(Register::gdtr_base)] = 0x7000;
  values[index_of(Register::gdtr_limit)] = 0x37;
  values[index_of(Register::cr2)] = 0xdeadbeef;
  values[index_of(Register::dr0)] = 0x1111;
  values[index_of(Register::dr3)] = 0x3333;
  values[index_of(Register::dr7)] = 0x455;
  values[index_of(Register::interrupt_shadow)] = 1;
  values[index_of(Register::debug_shadow)] = 1;
  values[index_of(Register::nmi_blocked)] = 1;
  values[index_of(Register::nmi_pending)] = 1;
  values[index_of(Register::external_interrupt)] = 1;
  values[index_of(Register::run_state)] = 1;
  guest.vcpu().set_registers(RegisterGroup::All, values);
  const std::vector<std::uint64_t> read = guest.registers();
  for (std::size_t i = 0; i < values.size(); i++) {
    if (read[i] == values[i]) continue;
    failures++;
    std::printf("%s is %#llx, expected %#llx\n", tsbhyve::register_rows[i].name,
                static_cast<unsigned long long>(read[i]), static_cast<unsigned long long>(values[i]));
  }
  const unsigned long before = ioctl_count();
  guest.registers();
  const unsigned long all = ioctl_count() - before;
  std::vector<std::uint64_t> general(tsbhyve::register_count);
  guest.vcpu().get_registers(RegisterGroup::General, general);
  const unsigned long one_group = ioctl_count() - before - all;
  std::printf("system calls: %lu for all registers, %lu for the general ones\n", all, one_group);
  CHECK(all <= 6);
  CHECK_EQUAL(one_group, 1);
  values[index_of(Register::run_state)] = 9;
  try {
    guest.vcpu().set_registers(RegisterGroup::Events, values);
    CHECK(false);
  } catch (const std::invalid_argument&) {
  }
}

void full_save() {
  Guest guest({0xe6, 0x80, 0xf4});
  CHECK_EQUAL(guest.run(), ExitKind::PortWrite);
  CHECK_EQUAL(guest.safepoint(), ExitKind::None);
  const unsigned long before = ioctl_count();
  guest.registers();
  guest.vcpu().get_msrs();
  guest.vcpu().get_xsave();
  guest.vcpu().get_lapic();
  guest.vcpu().get_private();
  const unsigned long calls = ioctl_count() - before;
  std::printf("system calls: %lu for a whole vCPU\n", calls);
  CHECK(calls <= (usually_crew ? 10 : 8));
}

/// Access rights of every kind, and long mode, where the kernel checks what belongs together.
void long_mode_round_trip() {
  Guest guest({0xf4});
  std::vector<std::uint64_t> values = guest.registers();
  values[index_of(Register::cs_selector)] = 8;
  values[index_of(Register::cs_limit)] = 0xffffffff;
  values[index_of(Register::cs_attributes)] = 0xa09b;
  values[index_of(Register::ss_attributes)] = 0xc093;
  values[index_of(Register::ss_limit)] = 0xffffffff;
  values[index_of(Register::gs_base)] = 0xffff800000001000;
  values[index_of(Register::cr0)] = 0x80010033;
  values[index_of(Register::cr3)] = 0x4000;
  values[index_of(Register::cr4)] = 0x20;
  values[index_of(Register::efer)] = 0x500;
  guest.vcpu().set_registers(RegisterGroup::All, values);
  CHECK(guest.registers() == values);
  std::vector<std::uint64_t> impossible = values;
  impossible[index_of(Register::cr0)] = 0x80000010;  // paging without protection
  try {
    guest.vcpu().set_registers(RegisterGroup::All, impossible);
    CHECK(false);
  } catch (const tsbhyve::EngineError& error) {
    CHECK_EQUAL(error.number, EINVAL);
  }
  CHECK(guest.registers()[index_of(Register::cr0)] == values[index_of(Register::cr0)]);
}

void msrs_round_trip() {
  Guest guest({0xf4});
  const auto values = guest.vcpu().get_msrs();
  CHECK(values.size() > 20);
  CHECK(std::is_sorted(values.begin(), values.end()));
  constexpr std::uint32_t lstar = 0xc0000082;
  guest.vcpu().set_msrs({{lstar, 0xffffffff81000000}});
  const auto changed = guest.vcpu().get_msrs();
  CHECK(std::count(changed.begin(), changed.end(),
                   std::pair<std::uint32_t, std::uint64_t>(lstar, 0xffffffff81000000)) == 1);
  guest.vcpu().set_msrs(changed);
  CHECK(guest.vcpu().get_msrs() == changed);
  guest.engine->reset();
  CHECK(guest.vcpu().get_msrs() == values);
  try {
    guest.vcpu().set_msrs({{lstar, 0}, {0x12345678, 0xff}});
    CHECK(false);
  } catch (const std::invalid_argument& error) {
    CHECK(std::string(error.what()) == "MSR 0x12345678: the kernel does not take the value 0xff");
  }
}

void fpu_round_trip() {
  Guest guest({0xf4});
  auto image = guest.vcpu().get_xsave();
  CHECK_EQUAL(image.size(), 576);
  CHECK_EQUAL(image[0] | image[1] << 8, 0x40);  // FCW
  CHECK_EQUAL(image[512], 3);
  image[0] = 0x7e;
  for (std::size_t i = 160; i < 416; i++) image[i] = static_cast<std::uint8_t>(i);
  guest.vcpu().set_xsave(image);
  CHECK(guest.vcpu().get_xsave() == image);
  image[512] = 7;
  try {
    guest.vcpu().set_xsave(image);
    CHECK(false);
  } catch (const std::invalid_argument&) {
  }
}

/// Into another engine, as a restore does.
void lapic_moves() {
  Guest from({0xf4});
  from.engine->hold_time(true);
  auto rows = from.vcpu().get_lapic();
  const auto put = [&rows](tsbhyve::LapicRow row, std::uint64_t value, std::size_t at = 0) {
    rows[index_of(row) + at] = value;
  };
  put(tsbhyve::LapicRow::spurious, 0x1ff);
  put(tsbhyve::LapicRow::task_priority, 0x20);
  put(tsbhyve::LapicRow::logical_destination, 0x01000000);
  put(tsbhyve::LapicRow::request, 1u << 5, 2);
  put(tsbhyve::LapicRow::in_service, 1u << 9, 3);
  put(tsbhyve::LapicRow::trigger_mode, 1u << 9, 3);
  put(tsbhyve::LapicRow::lvt, 0x00020041);  // periodic
  put(tsbhyve::LapicRow::lvt, 0x000000fe, 5);
  put(tsbhyve::LapicRow::initial_count, 1'000'000'000);
  put(tsbhyve::LapicRow::divide_configuration, 3);
  put(tsbhyve::LapicRow::timer_running, 1);
  put(tsbhyve::LapicRow::timer_start, static_cast<std::uint64_t>(from.engine->time()));
  from.vcpu().set_lapic(rows);
  CHECK(from.vcpu().get_lapic() == rows);
  Guest to({0xf4});
  to.engine->hold_time(true);
  to.engine->set_time(from.engine->time());
  to.vcpu().set_lapic(rows);
  const auto moved = to.vcpu().get_lapic();
  for (std::size_t i = 0; i < rows.size(); i++) CHECK_EQUAL(moved[i], rows[i]);
  CHECK_EQUAL(to.get(Register::cr8), 2);
}

void dirty_log() {
  Guest guest({0xb0, 1, 0xa2, 0x00, 0x50, 0xe6, 0x80, 0xa2, 0x00, 0x60, 0xf4});  // stores to 5000h, then to 6000h
  unsigned client;
  CHECK(guest.memory.open_client(client));
  guest.engine->dirty_log_taken();
  const auto take = [&] {
    CHECK_EQUAL(guest.safepoint(), ExitKind::None);
    std::uint8_t bitmap[8] = {};
    guest.memory.take(client, bitmap);
    guest.engine->dirty_log_taken();
    return bitmap[0];
  };
  CHECK_EQUAL(guest.run(), ExitKind::PortWrite);
  CHECK_EQUAL(take() & 0x60, 0x20);
  CHECK_EQUAL(guest.run(), ExitKind::Hlt);
  CHECK_EQUAL(take() & 0x60, 0x40);
}

/// More than a kernel's log of single stores could hold.
void many_stores() {
  Guest guest({0xb9, 0xff, 0xff,                // mov cx, ffffh
               0xfe, 0x06, 0x00, 0x50,          // 1: inc byte [5000h]
               0xe2, 0xfa, 0xe6, 0x80, 0xf4});  // loop 1b; out 80h, al; hlt
  unsigned client;
  CHECK(guest.memory.open_client(client));
  guest.engine->dirty_log_taken();
  CHECK_EQUAL(guest.run(), ExitKind::PortWrite);
  CHECK_EQUAL(guest.safepoint(), ExitKind::None);
  std::uint8_t bitmap[8] = {};
  guest.memory.take(client, bitmap);
  CHECK_EQUAL(bitmap[0], 0x20);
}

}  // namespace

void state_cases() {
  registers_round_trip();
  full_save();
  long_mode_round_trip();
  msrs_round_trip();
  fpu_round_trip();
  lapic_moves();
  dirty_log();
  many_stores();
}

}  // namespace test
