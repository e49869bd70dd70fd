// SPDX-License-Identifier: BSD-2-Clause
// Two vCPUs: started by the guest, meeting inside the kernel, saved together, and coming to their end.
#include "guest.h"

namespace test {

namespace {

constexpr std::uint64_t second_code = 0x2000;

/// mov dword fs:[310h], 1000000h; mov dword fs:[300h], 4500h; mov dword fs:[300h], 4602h: INIT and SIPI for 0:2000h
#define START_SECOND                                                                                                \
  0x64, 0x66, 0xc7, 0x06, 0x10, 0x03, 0x00, 0x00, 0x00, 0x01, 0x64, 0x66, 0xc7, 0x06, 0x00, 0x03, 0x00, 0x45, 0x00, \
      0x00, 0x64, 0x66, 0xc7, 0x06, 0x00, 0x03, 0x02, 0x46, 0x00, 0x00

void expect(Guest& guest, std::uint32_t vcpu, std::uint64_t port, std::uint64_t data) {
  const tsbhyve::Exit exit = guest.run_all();
  CHECK_EQUAL(exit.kind, ExitKind::PortWrite);
  CHECK_EQUAL(exit.vcpu, vcpu);
  CHECK_EQUAL(guest.engine->vcpu(exit.vcpu).slot.address, port);
  CHECK_EQUAL(guest.engine->vcpu(exit.vcpu).slot.data, data);
}

void park(Guest& guest) {
  while (guest.engine->safepoint().kind != ExitKind::None) {
  }
}

std::vector<std::uint64_t> registers_of(Guest& guest, std::uint32_t vcpu) {
  std::vector<std::uint64_t> values(tsbhyve::register_count);
  guest.engine->vcpu(vcpu).get_registers(RegisterGroup::All, values);
  return values;
}

/// The second waits for SIPI, tells its segment, and stays away for good when it is sent INIT.
void start_and_init() {
  Guest guest(
      {
          0xe6,         0xe0,                                                  // out e0h, al
          START_SECOND,                                                        //
          0xa0,         0x00, 0x05, 0x3c, 0x01, 0x75, 0xf9,                    // until byte [500h] is 1
          0xe6,         0xe2,                                                  // out e2h, al
          0x64,         0x66, 0xc7, 0x06, 0x00, 0x03, 0x00, 0x45, 0x00, 0x00,  // INIT
          0xc6,         0x06, 0x00, 0x05, 0x02,                                // mov byte [500h], 2
          0xb9,         0xff, 0xff, 0xe2, 0xfe,                                // wait
          0xe6,         0xe3, 0xeb, 0xfe,                                      // out e3h, al; jmp $
      },
      2);
  guest.put(second_code, {
                             0x8c, 0xc8, 0xe7, 0xe1,        // mov ax, cs; out e1h, ax
                             0x31, 0xc0, 0x8e, 0xd8,        // xor ax, ax; mov ds, ax
                             0xc6, 0x06, 0x00, 0x05, 0x01,  // mov byte [500h], 1
                             0x80, 0x3e, 0x00, 0x05, 0x03,  // cmp byte [500h], 3
                             0x75, 0xf9, 0xe6, 0xe4,        // jne back; out e4h, al
                         });
  CHECK_EQUAL(registers_of(guest, 1)[index_of(Register::run_state)], 2);
  expect(guest, 0, 0xe0, 0);
  expect(guest, 1, 0xe1, 0x200);
  expect(guest, 0, 0xe2, 1);
  expect(guest, 0, 0xe3, 1);
  park(guest);
  CHECK_EQUAL(registers_of(guest, 1)[index_of(Register::run_state)], 2);
  CHECK_EQUAL(registers_of(guest, 1)[index_of(Register::rip)], 0xfff0);
  guest.ram()[0x500] = 3;  // what the second would have waited for
  CHECK_EQUAL(guest.run(guest.engine->time() + 20'000'000), ExitKind::Deadline);
}

/// Each change of a redirection entry makes the kernel wait for the other vCPU, also for one that is to be parked.
void meetings() {
  Guest guest(
      {
          START_SECOND,                                                  //
          0x67,         0x65, 0xc6, 0x05, 0x00, 0x00, 0x00, 0x00, 0x12,  // mov byte gs:[0], 12h: I/O APIC, entry 1
          0x66,         0x31, 0xc0,                                      // xor eax, eax
          0x66,         0x40, 0x66, 0x25, 0xff, 0x00, 0x00, 0x00,        // inc eax; and eax, 0ffh
          0x66,         0x89, 0xc3, 0x66, 0x81, 0xcb, 0x00, 0x00, 0x01, 0x00,  // mov ebx, eax; or ebx, 10000h
          0x65,         0x66, 0x89, 0x1e, 0x10, 0x00,                          // mov gs:[10h], ebx
          0xff,         0x06, 0x10, 0x05, 0xeb, 0xe2,                          // inc word [510h]; jmp back
      },
      2);
  guest.put(second_code, {0x31, 0xc0, 0x8e, 0xd8, 0xff, 0x06, 0x12, 0x05, 0xeb, 0xfa});  // count at [512h]
  guest.set(Register::gs_base, 0xfec00000);
  const auto counted = [&guest](unsigned at) { return guest.ram()[at] | guest.ram()[at + 1] << 8; };
  while (counted(0x510) == 0 || counted(0x512) == 0) guest.run(guest.engine->time() + 1'000'000);
  for (int times = 0; times < 100; times++) {
    guest.run(guest.engine->time() + 200'000);
    park(guest);
    const int first = counted(0x510), second = counted(0x512);
    CHECK_EQUAL(counted(0x510), first);
    CHECK_EQUAL(counted(0x512), second);
  }
}

/// Both count, and go on in another VM from where they were.
void moves() {
  const auto code = {START_SECOND, 0x40, 0xe7, 0xe0, 0xeb, 0xfb};              // inc ax; out e0h, ax; jmp back
  const auto second = {0x31, 0xdb, 0x43, 0x89, 0xd8, 0xe7, 0xe1, 0xeb, 0xf9};  // inc bx; out e1h, bx; jmp back
  Guest first(code, 2);
  first.put(second_code, second);
  std::uint64_t seen[2] = {};
  const auto count = [&seen](Guest& guest, const tsbhyve::Exit& exit) {
    if (exit.kind != ExitKind::PortWrite) return;
    const auto data = guest.engine->vcpu(exit.vcpu).slot.data;
    CHECK_EQUAL(data, seen[exit.vcpu] + 1);
    seen[exit.vcpu] = data;
  };
  while (seen[0] < 20 || seen[1] < 20) count(first, first.run_all());
  first.engine->hold_time(true);
  for (;;) {
    const tsbhyve::Exit exit = first.engine->safepoint();
    if (exit.kind == ExitKind::None) break;
    count(first, exit);
  }
  Guest next(code, 2);
  next.put(second_code, second);
  next.engine->hold_time(true);
  next.engine->set_time(first.engine->time());
  for (std::uint32_t index = 0; index < 2; index++) {
    next.engine->vcpu(index).set_registers(RegisterGroup::All, registers_of(first, index));
    next.engine->vcpu(index).set_xsave(first.engine->vcpu(index).get_xsave());
    next.engine->vcpu(index).set_lapic(first.engine->vcpu(index).get_lapic());
  }
  CHECK_EQUAL(first.engine->vcpu(1).get_private().size(), 0);
  for (std::uint32_t index = 0; index < 2; index++)
    next.engine->vcpu(index).set_private(first.engine->vcpu(index).get_private());
  next.engine->hold_time(false);
  const std::uint64_t before[2] = {seen[0], seen[1]};
  while (seen[0] < before[0] + 20 || seen[1] < before[1] + 20) count(next, next.run_all());
}

/// Exits in the middle of an instruction break safepoints off, and the guest runs on: the first comes again at once,
/// although the second never leaves.
void broken_off_safepoints() {
  Guest guest(
      {
          START_SECOND,                                    //
          0xa0, 0x00, 0x05, 0x3c, 0x01, 0x75, 0xf9,        // until byte [500h] is 1
          0x65, 0x80, 0x0e, 0x10, 0x00, 0x80, 0xeb, 0xf8,  // or byte gs:[10h], 80h; jmp back
      },
      2);
  guest.put(second_code, {0x31, 0xc0, 0x8e, 0xd8, 0xc6, 0x06, 0x00, 0x05, 0x01, 0xeb, 0xfe});
  guest.set(Register::gs_base, 0xa0000);
  for (int times = 0; times < 20; times++) {
    guest.expect(ExitKind::MmioRead, 0xa0010, 1);
    CHECK_EQUAL(guest.engine->safepoint().kind, ExitKind::MmioWrite);
  }
}

/// The second ends the VM for both; a reset begins anew with the first, and with a second that waits.
void end_and_reset() {
  Guest guest({START_SECOND, 0xeb, 0xfe}, 2);
  guest.put(second_code, {0x66, 0x2e, 0x0f, 0x01, 0x1e, 0x00, 0x01, 0xcd, 0x40});  // lidt cs:[100h], of zeros; int 40h
  CHECK_EQUAL(guest.run(), ExitKind::Shutdown);
  CHECK_EQUAL(guest.run(), ExitKind::Shutdown);
  park(guest);
  guest.engine->reset();
  CHECK_EQUAL(registers_of(guest, 0)[index_of(Register::run_state)], 0);
  CHECK_EQUAL(registers_of(guest, 0)[index_of(Register::cs_base)], 0xffff0000);
  CHECK_EQUAL(registers_of(guest, 1)[index_of(Register::run_state)], 2);
}

/// With an exit that nobody answers, and with none.
void closed_at_any_moment() {
  for (int times = 0; times < 10; times++) {
    Guest guest({START_SECOND, 0xe6, 0xe0, 0xeb, 0xfc}, 2);
    guest.put(second_code, {0xe6, 0xe1, 0xeb, 0xfc});
    for (int exits = 0; exits < times; exits++) CHECK_EQUAL(guest.run(), ExitKind::PortWrite);
  }
}

}  // namespace

void several_cases(bool can_save) {
  start_and_init();
  meetings();
  if (can_save) moves();
  broken_off_safepoints();
  end_and_reset();
  closed_at_any_moment();
}

}  // namespace test
