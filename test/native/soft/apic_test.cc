// SPDX-License-Identifier: BSD-2-Clause
// The local APIC as a guest and as the machine drive it (SDM vol. 3, chapter 10).
#include "engine/lapic_state.h"
#include "flat_guest.h"

using namespace tsbhyve;
using tsbhyve::test::FlatGuest;
using tsbhyve::test::Guest;
using tsbhyve::test::require;

namespace {

std::uint64_t row(Guest& guest, LapicRow which, std::size_t offset = 0) {
  return guest.vcpu->get_lapic()[static_cast<std::size_t>(which) + offset];
}

void set_row(Guest& guest, LapicRow which, std::uint64_t value) {
  auto rows = guest.vcpu->get_lapic();
  rows[static_cast<std::size_t>(which)] = value;
  guest.vcpu->set_lapic(rows);
}

/// mov dword [fee00000h + offset], value
void store_register(std::vector<int>& code, int offset, std::uint32_t value) {
  const auto at = [value](int n) { return static_cast<int>(value >> (8 * n) & 0xff); };
  code.insert(code.end(), {0xc7, 0x05, offset & 0xff, offset >> 8, 0xe0, 0xfe, at(0), at(1), at(2), at(3)});
}

constexpr int svr = 0xf0, lvt_timer = 0x320, initial_count = 0x380, divide = 0x3e0, eoi = 0xb0;
constexpr std::uint64_t tsc_deadline_mode = 2 << 17 | 0x40;

void a_periodic_timer_counts_in_bus_cycles() {
  std::vector<int> code;
  store_register(code, svr, 0x1ff);
  store_register(code, divide, 0);  // by 2
  store_register(code, lvt_timer, 0x20040);
  store_register(code, initial_count, 500);  // the fourth instruction: runs until 4 ns
  code.insert(code.end(), {0xfb, 0xeb, 0xfe});
  FlatGuest guest(code);
  guest.write(0x600, {0x43, 0xc7, 0x05, eoi, 0x00, 0xe0, 0xfe, 0, 0, 0, 0, 0xcf});  // inc ebx; EOI; iret
  guest.set_vector(0x40, 0x600);
  guest.run(1003);
  require(guest.get(Register::rbx) == 0, "not before 500 counts of 2 ns");
  guest.run(1004 + 9 * 1000 + 10);
  require(guest.get(Register::rbx) == 10, "ten periods, ten interrupts: " + std::to_string(guest.get(Register::rbx)));
  require(guest.engine->next_deadline() == 4 + 11 * 1000, "the next period is on the grid of the first");
}

void a_new_divisor_keeps_the_count() {
  std::vector<int> code;
  store_register(code, svr, 0x1ff);
  store_register(code, divide, 0xb);  // by 1
  store_register(code, lvt_timer, 0x40);
  store_register(code, initial_count, 1000);
  store_register(code, divide, 0xa);  // by 128: 1 count is gone; its start would lie before power-on
  code.push_back(0xf4);
  FlatGuest guest(code);
  guest.run_to_halt();
  require(guest.engine->next_deadline() == 5 + 999 * 128, "999 counts of 128 ns are left");
}

void the_tsc_deadline_is_an_unsigned_number() {
  Guest guest({0xf4});
  guest.engine->set_time(5000);
  set_row(guest, LapicRow::lvt, tsc_deadline_mode);
  const auto deadline = [&guest](std::uint64_t tsc) {
    set_row(guest, LapicRow::tsc_deadline, tsc);
    return guest.engine->next_deadline();
  };
  require(deadline(0) == INT64_MAX, "zero disarms");
  require(deadline(6000) == 6000 && deadline(4000) == 0, "the future is awaited, the past is now");
  require(deadline(~std::uint64_t{0}) == INT64_MAX, "the end of time never comes");
  guest.vcpu->set_msrs({{0x10, 1000}});  // the TSC starts again at 1000: offset -4000
  require(deadline(2000) == 6000, "a TSC that was set back");
  require(deadline(~std::uint64_t{0}) == INT64_MAX, "nor then does it come");
  guest.vcpu->set_msrs({{0x10, std::uint64_t{1} << 63}});
  require(deadline((std::uint64_t{1} << 63) + 500) == 5500, "a TSC far ahead");
  require(deadline(500) == 0, "below such a TSC is the past");
}

void init_resets_the_apic() {
  Guest guest({0xeb, 0xfe});
  set_row(guest, LapicRow::spurious, 0x1ff);
  set_row(guest, LapicRow::task_priority, 0x20);
  guest.engine->send_msi(0xfee00000, 0x500);
  guest.run(1);
  require(row(guest, LapicRow::spurious) == 0xff && row(guest, LapicRow::task_priority) == 0, "as after power-on");
  require(row(guest, LapicRow::base) == 0xfee00900, "the base stays, and this is the bootstrap processor");
}

void an_apic_that_is_off_receives_nothing() {
  Guest guest({0xf4});
  guest.vcpu->set_msrs({{0x1b, 0xfee00000}});
  guest.engine->send_msi(0xfee00000, 0x400);  // NMI
  require(guest.get(Register::nmi_pending) == 0, "not even an NMI");
}

void level_interrupts_report_their_end() {
  FlatGuest guest({0xfb, 0x90, 0x90, 0xf4});
  guest.enable_apic();
  guest.write(0x600, {0xc7, 0x05, eoi, 0x00, 0xe0, 0xfe, 0, 0, 0, 0, 0x43, 0xcf});  // EOI; inc ebx; iret
  guest.set_vector(0x51, 0x600);
  guest.engine->send_msi(0xfee00000, 0xc051);
  require(guest.run(1000) == ExitKind::Eoi && guest.vcpu->slot.address == 0x51, "EOI of a level interrupt is an exit");
  require(guest.get(Register::rbx) == 0, "before the next instruction");
  guest.run_to_halt();
  require(guest.get(Register::rbx) == 1, "and the handler goes on");
}

void the_8259_is_asked_once() {
  Guest guest({0xfb, 0x90, 0x90, 0xf4});
  guest.write(0x30 * 4, {0x00, 0x06, 0x00, 0x00});
  guest.write(0x600, {0x43, 0xcf});
  auto rows = guest.vcpu->get_lapic();
  rows[static_cast<std::size_t>(LapicRow::lvt) + 3] = 0x700;  // LINT0: ExtINT
  guest.vcpu->set_lapic(rows);
  guest.engine->set_external_interrupt(true);
  require(guest.run(1000) == ExitKind::InterruptAcknowledge, "the vector is asked for");
  guest.engine->set_external_interrupt(false);
  guest.vcpu->slot.data = 0x30;
  require(guest.engine->safepoint().kind == ExitKind::None, "a safepoint delivers it");
  require(guest.get(Register::rip) == 0x600 && guest.get(Register::rbx) == 0, "and starts nothing else");
  guest.run_to_halt();
  require(guest.get(Register::rbx) == 1, "one interrupt");
}

void an_event_into_a_device_is_a_shutdown() {
  Guest guest({0xeb, 0xfe});
  guest.set(Register::ss_base, 0x200000);  // beyond the RAM
  guest.vcpu->inject_nmi();
  require(guest.run(1000) == ExitKind::Shutdown, "a stack that only the device model can answer for");
}

}  // namespace

int main() {
  a_periodic_timer_counts_in_bus_cycles();
  a_new_divisor_keeps_the_count();
  the_tsc_deadline_is_an_unsigned_number();
  init_resets_the_apic();
  an_apic_that_is_off_receives_nothing();
  level_interrupts_report_their_end();
  the_8259_is_asked_once();
  an_event_into_a_device_is_a_shutdown();
  std::puts("apic: ok");
  return 0;
}
