// SPDX-License-Identifier: BSD-2-Clause
// Port and memory accesses, string I/O, ROM, MSRs, shutdown, and the safepoint.
#include "guest.h"

namespace test {

namespace {

void expect(Guest& guest, ExitKind kind, std::uint64_t address, unsigned width) {
  CHECK_EQUAL(guest.run(), kind);
  CHECK_EQUAL(guest.slot().kind, kind);
  CHECK_EQUAL(guest.slot().address, address);
  CHECK_EQUAL(guest.slot().width, width);
}

void ports() {
  Guest guest({
      0xba, 0xf8, 0x03,  // mov dx, 3f8h
      0xb0, 'H',  0xee,  // mov al, 'H'; out dx, al
      0xb0, 'i',  0xee,  // mov al, 'i'; out dx, al
      0xbe, 0x00, 0x20,  // mov si, 2000h
      0xb9, 0x03, 0x00,  // mov cx, 3
      0xfc, 0xf3, 0x6e,  // cld; rep outsb
      0xed,              // in ax, dx
      0xa3, 0x00, 0x05,  // mov [500h], ax
      0xf4,              // hlt
  });
  guest.put(0x2000, {'a', 'b', 'c'});
  std::string printed;
  for (int i = 0; i < 5; i++) {
    expect(guest, ExitKind::PortWrite, 0x3f8, 1);
    printed += static_cast<char>(guest.slot().data);
  }
  CHECK(printed == "Hiabc");
  expect(guest, ExitKind::PortRead, 0x3f8, 2);
  guest.slot().data = 0xbeef;
  CHECK_EQUAL(guest.run(), ExitKind::Hlt);
  CHECK_EQUAL(guest.slot().detail, 1);  // interrupts are off
  CHECK_EQUAL(guest.ram()[0x500] | guest.ram()[0x501] << 8, 0xbeef);
}

void memory() {
  Guest guest({
      0xb8, 0x00, 0x80, 0x8e, 0xd8,        // mov ax, 8000h; mov ds, ax
      0xc7, 0x06, 0x10, 0x00, 0x34, 0x12,  // mov word [10h], 1234h
      0xa1, 0x20, 0x00,                    // mov ax, [20h]
      0x26, 0xa3, 0x02, 0x05,              // mov es:[502h], ax
      0xb8, 0x00, 0x30, 0x8e, 0xd8,        // mov ax, 3000h; mov ds, ax
      0xc6, 0x06, 0x00, 0x00, 0x55,        // mov byte [0], 55h: ROM
      0xf4,
  });
  expect(guest, ExitKind::MmioWrite, 0x80010, 2);
  CHECK_EQUAL(guest.slot().data, 0x1234);
  expect(guest, ExitKind::MmioRead, 0x80020, 2);
  guest.slot().data = 0xcafe;
  CHECK_EQUAL(guest.run(), ExitKind::Hlt);
  CHECK_EQUAL(guest.ram()[0x502] | guest.ram()[0x503] << 8, 0xcafe);
  CHECK_EQUAL(guest.memory.segments()[1].host[0], 0);
}

void msrs() {
  Guest guest({
      0x66,
      0xb9,
      0x78,
      0x56,
      0x34,
      0x12,  // mov ecx, 12345678h
      0x0f,
      0x32,  // rdmsr
      0x0f,
      0x30,  // wrmsr
      0xf4,
  });
  expect(guest, ExitKind::MsrRead, 0x12345678, 8);
  guest.slot().data = 0x1122334455667788;
  expect(guest, ExitKind::MsrWrite, 0x12345678, 8);
  CHECK_EQUAL(guest.slot().data, 0x1122334455667788);
  guest.vector(13, 0x1100);
  guest.put(0x1100, {0xb0, 'G', 0xe6, 0x80});  // mov al, 'G'; out 80h, al
  guest.slot().refused = 1;
  expect(guest, ExitKind::PortWrite, 0x80, 1);
  CHECK_EQUAL(guest.slot().data, 'G');
}

/// The instruction is finished, the next not started.
void safepoint() {
  Guest guest({
      0xba,
      0xf8,
      0x03,  // mov dx, 3f8h
      0xec,  // in al, dx
      0xe6,
      0x80,  // out 80h, al
      0xf4,
  });
  CHECK_EQUAL(guest.safepoint(), ExitKind::None);
  CHECK_EQUAL(guest.get(Register::rip), code_address);
  expect(guest, ExitKind::PortRead, 0x3f8, 1);
  guest.slot().data = 0x5a;
  CHECK_EQUAL(guest.safepoint(), ExitKind::None);
  CHECK_EQUAL(guest.get(Register::rip), code_address + 4);
  CHECK_EQUAL(guest.get(Register::rax) & 0xff, 0x5a);
  expect(guest, ExitKind::PortWrite, 0x80, 1);
  CHECK_EQUAL(guest.slot().data, 0x5a);
}

void safepoint_in_string() {
  Guest guest({
      0xba, 0xf8, 0x03, 0xb9, 0x02, 0x00,  // mov dx, 3f8h; mov cx, 2
      0xbe, 0x00, 0x20, 0xfc,              // mov si, 2000h; cld
      0xf3, 0x6e, 0xf4,                    // rep outsb; hlt
  });
  guest.put(0x2000, {'x', 'y'});
  expect(guest, ExitKind::PortWrite, 0x3f8, 1);
  std::string printed(1, static_cast<char>(guest.slot().data));
  // The second element is another exit of the same instruction, or of the same instruction started anew.
  if (guest.safepoint() == ExitKind::None) guest.run();
  printed += static_cast<char>(guest.slot().data);
  CHECK(printed == "xy");
  CHECK_EQUAL(guest.safepoint(), ExitKind::None);
  CHECK_EQUAL(guest.run(), ExitKind::Hlt);
}

void shutdown() {
  Guest guest({0x0f, 0x0b});  // ud2 in protected mode without an interrupt table: a triple fault
  std::vector<std::uint64_t> values = guest.registers();
  values[index_of(Register::cr0)] |= 1;
  values[index_of(Register::cs_selector)] = 8;
  values[index_of(Register::cs_attributes)] = 0xc09b;
  values[index_of(Register::cs_limit)] = 0xffffffff;
  values[index_of(Register::idtr_limit)] = 0;
  guest.vcpu().set_registers(RegisterGroup::All, values);
  CHECK_EQUAL(guest.run(), ExitKind::Shutdown);
  CHECK_EQUAL(guest.get(Register::run_state), 3);
  CHECK_EQUAL(guest.run(), ExitKind::Shutdown);
  guest.engine->reset();
  CHECK_EQUAL(guest.get(Register::run_state), 0);
  CHECK_EQUAL(guest.get(Register::rip), 0xfff0);
  CHECK_EQUAL(guest.get(Register::cs_base), 0xffff0000);
}

}  // namespace

void exit_cases() {
  ports();
  memory();
  msrs();
  safepoint();
  safepoint_in_string();
  shutdown();
}

}  // namespace test
