// SPDX-License-Identifier: BSD-2-Clause
// The shadow of STI: whoever stops before the instruction in it finds it, nobody behind it, however the run is cut.
#include "guest.h"

using namespace tsbhyve;
using tsbhyve::test::Guest;
using tsbhyve::test::require;

namespace {

/// Interrupt 40h waits, and its handler notes BX in CX.
void let_interrupt_wait(Guest& guest) {
  guest.write(0x40 * 4, {0x00, 0x06, 0x00, 0x00});
  guest.write(0x600, {0x89, 0xd9, 0xcf});  // mov cx, bx; iret
  auto apic = guest.vcpu->get_lapic();
  apic[5] = 0x1ff;  // spurious vector register: enabled
  guest.vcpu->set_lapic(apic);
  guest.engine->send_msi(0xfee00000, 0x40);
}

void holds_back_one_instruction() {
  Guest guest({0xfa, 0xfb, 0x43, 0x43, 0xf4});  // cli; sti; inc bx; inc bx; hlt
  let_interrupt_wait(guest);
  guest.run_to_halt();
  require(guest.get(Register::rcx) == 1, "the interrupt is taken after the instruction that follows STI");
}

void holds_while_a_device_is_asked(bool interrupt_waits) {
  Guest guest({0xfa, 0xfb, 0xe4, 0x40, 0x43, 0x43, 0xf4});  // cli; sti; in al, 40h; inc bx; inc bx; hlt
  if (interrupt_waits) let_interrupt_wait(guest);
  require(guest.run(1000) == ExitKind::PortRead, "IN asks");
  require(guest.get(Register::interrupt_shadow) == 1, "IN has not been done: the shadow is still there");
  guest.vcpu->slot.data = 0x5a;
  guest.run_to_halt();
  require(guest.get(Register::interrupt_shadow) == 0, "no shadow is left");
  require(guest.get(Register::rbx) == 2 && guest.get(Register::rcx) == 0, "the interrupt comes right behind IN");
}

void reaches_over_a_load_of_ss() {
  for (const std::int64_t step : {1000, 1}) {
    // cli; sti; mov ss, ax; inc bx; inc bx; hlt: behind the load of SS one more is in a shadow.
    Guest guest({0xfa, 0xfb, 0x8e, 0xd0, 0x43, 0x43, 0xf4});
    let_interrupt_wait(guest);
    guest.run_to_halt(step);
    require(guest.get(Register::rcx) == 1, "the interrupt comes behind the instruction that follows MOV SS");
  }
}

void is_there_between_any_two_instructions() {
  const std::vector<int> code{0xfa, 0xfb, 0x90, 0x40, 0xfa, 0xfb, 0xfb, 0x43, 0xf4};  // two STI in a row, too
  Guest whole(code), stepped(code);
  std::vector<std::uint64_t> shadows;
  for (std::int64_t now = 1; stepped.run(now) != ExitKind::Hlt; now++) {
    shadows.push_back(stepped.get(Register::interrupt_shadow));
  }
  whole.run_to_halt();
  require(shadows == std::vector<std::uint64_t>{0, 1, 0, 0, 0, 1, 0, 0}, "STI alone leaves a shadow");
  require(whole.everything() == stepped.everything(), "cut or whole, it comes to the same");
}

}  // namespace

int main() {
  holds_back_one_instruction();
  holds_while_a_device_is_asked(false);
  holds_while_a_device_is_asked(true);
  reaches_over_a_load_of_ss();
  is_there_between_any_two_instructions();
  return 0;
}
