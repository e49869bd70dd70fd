// SPDX-License-Identifier: BSD-2-Clause
// Messages, ends of level-triggered interrupts, the 8259's way, and NMI.
#include "guest.h"

namespace test {

namespace {

constexpr std::uint64_t to_apic_0 = 0xfee00000;
constexpr std::uint32_t level_triggered = 1 << 15;

/// sti; hlt; out 81h, al; jmp back to hlt
constexpr std::initializer_list<int> idle = {0xfb, 0xf4, 0xe6, 0x81, 0xeb, 0xfb};

void message_ends_halt() {
  Guest guest(idle);
  guest.enable_lapic();
  guest.vector(0x40, 0x1100);
  guest.put(0x1100, {0xb0, '!', 0xe6, 0x80, 0xcf});  // mov al, '!'; out 80h, al; iret
  CHECK_EQUAL(guest.run(), ExitKind::Hlt);
  CHECK_EQUAL(guest.slot().detail, 0);
  CHECK_EQUAL(guest.get(Register::run_state), 1);
  CHECK(guest.engine->next_deadline() == INT64_MAX);
  guest.engine->send_msi(to_apic_0 | 0x77 << 12, 0x41);  // nobody's
  guest.engine->send_msi(to_apic_0 | 0x77 << 12, level_triggered | 0x41);
  guest.engine->send_msi(to_apic_0, 0x40);
  guest.expect_out(0x80, '!');
  guest.expect_out(0x81, '!');
}

void end_of_level() {
  Guest guest(idle);
  guest.enable_lapic();
  guest.vector(0x42, 0x1100);
  guest.put(0x1100, {0x66, 0x31, 0xc0,        // xor eax, eax
                     0x66, 0xa3, 0xb0, 0x00,  // mov [0b0h], eax: EOI
                     0xb0, 'E', 0xe6, 0x80, 0xcf});
  guest.set(Register::ds_base, 0xfee00000);
  CHECK_EQUAL(guest.run(), ExitKind::Hlt);
  guest.engine->send_msi(to_apic_0, level_triggered | 0x42);
  // Where KVM emulates the store it may go on to the OUT before it reports the end.
  bool ended = false, printed = false;
  for (int i = 0; i < 2; i++) {
    const ExitKind kind = guest.run();
    ended |= kind == ExitKind::Eoi && guest.slot().address == 0x42;
    printed |= kind == ExitKind::PortWrite && guest.slot().data == 'E';
  }
  CHECK(ended);
  CHECK(printed);
}

/// One that was in service when the machine was saved ends in the machine that was restored.
void end_after_restore() {
  Guest guest({0x66, 0x31, 0xc0, 0x66, 0xa3, 0xb0, 0x00, 0xf4});  // xor eax, eax; mov [0b0h], eax; hlt
  guest.enable_lapic();
  auto rows = guest.vcpu().get_lapic();
  rows[index_of(tsbhyve::LapicRow::in_service) + 2] = 1 << 4;
  rows[index_of(tsbhyve::LapicRow::trigger_mode) + 2] = 1 << 4;
  guest.vcpu().set_lapic(rows);
  guest.set(Register::ds_base, 0xfee00000);
  CHECK_EQUAL(guest.run(), ExitKind::Eoi);
  CHECK_EQUAL(guest.slot().address, 0x44);
  CHECK_EQUAL(guest.vcpu().get_lapic()[index_of(tsbhyve::LapicRow::ended_levels) + 2], 0);
}

/// One that had ended already, and nobody had been told, is told first.
void end_before_save() {
  Guest guest({0xf4});
  guest.enable_lapic();
  auto rows = guest.vcpu().get_lapic();
  rows[index_of(tsbhyve::LapicRow::ended_levels) + 3] = 1 << 5;
  guest.vcpu().set_lapic(rows);
  CHECK(guest.vcpu().get_lapic() == rows);
  CHECK_EQUAL(guest.run(), ExitKind::Eoi);
  CHECK_EQUAL(guest.slot().address, 0x65);
  CHECK_EQUAL(guest.run(), ExitKind::Hlt);
}

void acknowledge_8259() {
  Guest guest(idle);
  guest.vector(0x30, 0x1100);
  guest.put(0x1100, {0xb0, 'P', 0xe6, 0x80, 0xcf});
  CHECK_EQUAL(guest.run(), ExitKind::Hlt);
  guest.engine->set_external_interrupt(true);
  CHECK_EQUAL(guest.get(Register::external_interrupt), 1);
  CHECK_EQUAL(guest.run(), ExitKind::InterruptAcknowledge);
  guest.engine->set_external_interrupt(false);
  guest.slot().data = 0x30;
  guest.expect_out(0x80, 'P');
  guest.expect_out(0x81, 'P');
}

/// With interrupts off the acknowledge waits for the window.
void interrupt_window() {
  Guest guest({0xe6, 0x82, 0xfb, 0x90, 0x90, 0xf4});  // out 82h, al; sti; nop; nop; hlt
  guest.vector(0x31, 0x1100);
  guest.put(0x1100, {0xb0, 'W', 0xe6, 0x80, 0xcf});
  guest.engine->set_external_interrupt(true);
  guest.expect_out(0x82, 0);
  CHECK_EQUAL(guest.run(), ExitKind::InterruptAcknowledge);
  guest.engine->set_external_interrupt(false);
  guest.slot().data = 0x31;
  guest.expect_out(0x80, 'W');
}

void non_maskable() {
  Guest guest({0xf4, 0xf4});  // hlt with interrupts off
  guest.vector(2, 0x1100);
  guest.put(0x1100, {0xb0, 'N', 0xe6, 0x80, 0xcf});
  CHECK_EQUAL(guest.run(), ExitKind::Hlt);
  guest.vcpu().inject_nmi();
  guest.expect_out(0x80, 'N');
  CHECK_EQUAL(guest.safepoint(), ExitKind::None);
  CHECK_EQUAL(guest.get(Register::nmi_blocked), 1);
}

}  // namespace

void interrupt_cases() {
  message_ends_halt();
  end_of_level();
  end_after_restore();
  end_before_save();
  acknowledge_8259();
  interrupt_window();
  non_maskable();
}

}  // namespace test
