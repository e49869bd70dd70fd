// SPDX-License-Identifier: BSD-2-Clause
// Breakpoints around instructions that stop half-way (SDM vol. 3, chapter 17).
#include "flat_guest.h"

using namespace tsbhyve;
using tsbhyve::test::FlatGuest;
using tsbhyve::test::require;

namespace {

/// or byte [esp + 10], 1 (RF in the frame); inc ebx; iret
const std::vector<int> resume = {0x80, 0x4c, 0x24, 0x0a, 0x01, 0x43, 0xcf};

void prepare(FlatGuest& guest, std::uint64_t watched, std::uint64_t dr7) {
  guest.write(0x600, resume);
  guest.set_vector(1, 0x600);
  guest.set(Register::rcx, 5);
  guest.set(Register::rsi, 0x5000);
  guest.set(Register::rdi, 0x6000);
  guest.set(Register::dr0, watched);
  guest.set(Register::dr7, dr7);
}

void a_repeated_operation_breaks_once() {
  for (const int opcode : {0xaa /* STOSB */, 0x6c /* INSB, which waits for the device model each time */}) {
    FlatGuest guest({0xf3, opcode, 0xf4});
    prepare(guest, 0x1000, 1);
    guest.run_to_halt();
    require(guest.get(Register::rbx) == 1,
            "all iterations are one instruction: " + std::to_string(guest.get(Register::rbx)));
    require(guest.get(Register::rcx) == 0, "and all are done");
  }
}

void a_fault_forgets_the_data_breakpoint() {
  FlatGuest guest({0xa4, 0xf4});  // movsb: the read is watched, the write faults
  guest.map_identity();
  prepare(guest, 0x5000, 0x30001);
  guest.write(0x4000 + 6 * 4, {0, 0, 0, 0});
  guest.write(0x700 + 0x40, {0x90, 0xf4});
  guest.set_vector(14, 0x740);
  guest.run_to_halt();
  require(guest.get(Register::rbx) == 0, "no trap in the page-fault handler");
}

}  // namespace

int main() {
  a_repeated_operation_breaks_once();
  a_fault_forgets_the_data_breakpoint();
  std::puts("debug: ok");
  return 0;
}
