// SPDX-License-Identifier: BSD-2-Clause
// The kernel's interrupt controllers and timers, as a guest and we reach them.
#include "guest.h"

namespace test {

namespace {

/// mov dword fs:[0f0h], 1ffh; mov dword fs:[350h], 700h: the 8259s are heard through LINT0
#define HEAR_8259 \
  0x64, 0x66, 0xc7, 0x06, 0xf0, 0x00, 0xff, 0x01, 0x00, 0x00, 0x64, 0x66, 0xc7, 0x06, 0x50, 0x03, 0x00, 0x07, 0x00, 0x00

/// Sets the 8259s up with base 20h and all but `irq` masked, enables interrupts and waits.
std::initializer_list<int> waits_for_irq4() {
  static constexpr auto code = {
      HEAR_8259, 0xb0, 0x11, 0xe6, 0x20, 0xb0, 0x20, 0xe6, 0x21,  // ICW1, base
      0xb0,      0x04, 0xe6, 0x21, 0xb0, 0x01, 0xe6, 0x21,        // ICW3, ICW4
      0xb0,      0xef, 0xe6, 0x21,                                // IRQ 4 alone
      0xe6,      0xe0,                                            // out e0h, al: ready
      0xfb,      0xf4, 0xeb, 0xfd,                                // sti; hlt; jmp back
  };
  return code;
}

void isa_line() {
  Guest guest(waits_for_irq4());
  guest.vector(0x24, 0x1100);
  guest.put(0x1100, {0xb0, 'I', 0xe6, 0xe1, 0xb0, 0x20, 0xe6, 0x20, 0xcf});  // out e1h; EOI; iret
  guest.expect(ExitKind::PortWrite, 0xe0, 1);
  tsbhyve::KernelChipset& chipset = *guest.engine->chipset();
  for (int edges = 0; edges < 3; edges++) {
    chipset.set_pic_input(4, true);
    guest.expect(ExitKind::PortWrite, 0xe1, 1);
    CHECK_EQUAL(guest.run(guest.engine->time() + 10'000'000), ExitKind::Deadline);  // an edge, not a level
    chipset.set_pic_input(4, false);
  }
}

void nmi() {
  Guest guest({0xe6, 0xe0, 0xfb, 0xf4, 0xeb, 0xfd});  // out e0h, al; sti; hlt; jmp back
  guest.vector(2, 0x1100);
  guest.put(0x1100, {0xe6, 0xe1, 0xcf});  // out e1h, al; iret
  guest.expect(ExitKind::PortWrite, 0xe0, 1);
  guest.engine->vcpu(0).inject_nmi();
  guest.expect(ExitKind::PortWrite, 0xe1, 1);
}

/// The 8254's own interrupts, 1000 a second, without our doing.
void timer() {
  Guest guest({
      HEAR_8259, 0xb0, 0x11, 0xe6, 0x20, 0xb0, 0x20, 0xe6, 0x21,                    // 8259: base 20h
      0xb0,      0x04, 0xe6, 0x21, 0xb0, 0x01, 0xe6, 0x21,                          //
      0xb0,      0xfe, 0xe6, 0x21,                                                  // IRQ 0 alone
      0xb0,      0x34, 0xe6, 0x43, 0xb0, 0xa9, 0xe6, 0x40, 0xb0, 0x04, 0xe6, 0x40,  // 8254: mode 2, 1193
      0xfb,      0xf4, 0xeb, 0xfd,                                                  // sti; hlt; jmp back
  });
  guest.vector(0x20, 0x1100);
  guest.put(0x1100, {0xe6, 0xe1, 0xb0, 0x20, 0xe6, 0x20, 0xcf});
  for (int ticks = 0; ticks < 5; ticks++) guest.expect(ExitKind::PortWrite, 0xe1, 1);
}

void clock() {
  Guest guest({
      0xb0,
      0x32,
      0xe6,
      0x70,
      0xe4,
      0x71,
      0xe6,
      0xe0,  // century
      0xb0,
      0x34,
      0xe6,
      0x70,
      0xe4,
      0x71,
      0xe6,
      0xe0,  // a byte of memory
      0xfa,
      0xf4,
  });
  tsbhyve::KernelChipset& chipset = *guest.engine->chipset();
  chipset.set_rtc(1'700'000'000);
  chipset.write_cmos(0x34, 0x77);
  CHECK(chipset.rtc() >= 1'700'000'000 && chipset.rtc() < 1'700'000'100);
  guest.expect(ExitKind::PortWrite, 0xe0, 1);
  CHECK_EQUAL(guest.engine->vcpu(0).slot.data, 0x20);
  guest.expect(ExitKind::PortWrite, 0xe0, 1);
  CHECK_EQUAL(guest.engine->vcpu(0).slot.data, 0x77);
}

}  // namespace

void interrupt_cases() {
  isa_line();
  nmi();
  timer();
  clock();
}

}  // namespace test
