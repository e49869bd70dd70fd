// SPDX-License-Identifier: BSD-2-Clause
// Instructions that the kernel leaves to us: device memory, string I/O.
#include "guest.h"

namespace test {

namespace {

void memory() {
  Guest guest({
      0xb8, 0x00, 0xa0, 0x8e, 0xd8,        // mov ax, a000h; mov ds, ax
      0xc7, 0x06, 0x10, 0x00, 0x34, 0x12,  // mov word [10h], 1234h
      0x03, 0x06, 0x20, 0x00,              // add ax, [20h]
      0x0f, 0xb6, 0x1e, 0x21, 0x00,        // movzx bx, byte [21h]
      0x26, 0xa3, 0x02, 0x05,              // mov es:[502h], ax
      0x26, 0x89, 0x1e, 0x04, 0x05,        // mov es:[504h], bx
      0xfa, 0xf4,
  });
  guest.expect(ExitKind::MmioWrite, 0xa0010, 2);
  CHECK_EQUAL(guest.engine->vcpu(0).slot.data, 0x1234);
  guest.expect(ExitKind::MmioRead, 0xa0020, 2);
  guest.engine->vcpu(0).slot.data = 0x1111;
  guest.expect(ExitKind::MmioRead, 0xa0021, 1);
  guest.engine->vcpu(0).slot.data = 0x77;
  CHECK_EQUAL(guest.run(), ExitKind::Hlt);
  CHECK_EQUAL(guest.ram()[0x502] | guest.ram()[0x503] << 8, 0xb111);
  CHECK_EQUAL(guest.ram()[0x504] | guest.ram()[0x505] << 8, 0x77);
}

/// A read, then a write of the same instruction.
void read_and_write() {
  Guest guest({
      0xb8, 0x00, 0xa0, 0x8e, 0xd8,              // mov ax, a000h; mov ds, ax
      0x80, 0x0e, 0x10, 0x00, 0x80, 0xfa, 0xf4,  // or byte [10h], 80h; cli; hlt
  });
  guest.expect(ExitKind::MmioRead, 0xa0010, 1);
  guest.engine->vcpu(0).slot.data = 0x05;
  guest.expect(ExitKind::MmioWrite, 0xa0010, 1);
  CHECK_EQUAL(guest.engine->vcpu(0).slot.data, 0x85);
  CHECK_EQUAL(guest.engine->safepoint().kind, ExitKind::None);
  CHECK_EQUAL(guest.get(Register::rip), code_address + 10);
  CHECK_EQUAL(guest.get(Register::rflags) & 0x80, 0x80);  // SF
  CHECK_EQUAL(guest.run(), ExitKind::Hlt);
}

void repeated_copy() {
  Guest guest({
      0xb8, 0x00, 0xa0, 0x8e, 0xd8,  // mov ax, a000h; mov ds, ax
      0xb9, 0x03, 0x00, 0x31, 0xf6,  // mov cx, 3; xor si, si
      0xbf, 0x00, 0x05, 0xfc,        // mov di, 500h; cld
      0xf3, 0xa4, 0xfa, 0xf4,        // rep movsb; cli; hlt
  });
  for (unsigned i = 0; i < 3; i++) {
    guest.expect(ExitKind::MmioRead, 0xa0000 + i, 1);
    guest.engine->vcpu(0).slot.data = 'a' + i;
  }
  CHECK_EQUAL(guest.run(), ExitKind::Hlt);
  CHECK(std::string(reinterpret_cast<char*>(guest.ram() + 0x500), 3) == "abc");
  CHECK_EQUAL(guest.get(Register::rcx) & 0xffff, 0);
}

void strings_out_and_in() {
  Guest guest({
      0xba, 0xf8, 0x03, 0xfc,              // mov dx, 3f8h; cld
      0xbe, 0x00, 0x20, 0xb9, 0x03, 0x00,  // mov si, 2000h; mov cx, 3
      0xf3, 0x6e,                          // rep outsb
      0xbf, 0x00, 0x05, 0x6d,              // mov di, 500h; insw
      0xb9, 0x00, 0x00, 0xf3, 0x6e,        // mov cx, 0; rep outsb: nothing
      0xfa, 0xf4,
  });
  guest.put(0x2000, {'x', 'y', 'z'});
  std::string printed;
  for (int i = 0; i < 3; i++) {
    guest.expect(ExitKind::PortWrite, 0x3f8, 1);
    printed += static_cast<char>(guest.engine->vcpu(0).slot.data);
  }
  CHECK(printed == "xyz");
  guest.expect(ExitKind::PortRead, 0x3f8, 2);
  guest.engine->vcpu(0).slot.data = 0x4241;
  CHECK_EQUAL(guest.run(), ExitKind::Hlt);
  CHECK_EQUAL(guest.ram()[0x500] | guest.ram()[0x501] << 8, 0x4241);
  CHECK_EQUAL(guest.get(Register::rdi) & 0xffff, 0x502);
}

/// What the guest has written over code since the last time is what runs.
void changed_code() {
  Guest guest({
      0xb8, 0x00, 0xa0, 0x8e, 0xd8,  // mov ax, a000h; mov ds, ax
      0xbb, 0x02, 0x00,              // mov bx, 2
      0xc6, 0x06, 0x10, 0x00, 0x31,  // again: mov byte [10h], 31h
      0x26, 0xfe, 0x06, 0x0c, 0x10,  // inc byte es:[100ch]: the immediate of that
      0x4b, 0x75, 0xf3, 0xfa, 0xf4,  // dec bx; jnz again
  });
  guest.expect(ExitKind::MmioWrite, 0xa0010, 1);
  CHECK_EQUAL(guest.engine->vcpu(0).slot.data, 0x31);
  guest.expect(ExitKind::MmioWrite, 0xa0010, 1);
  CHECK_EQUAL(guest.engine->vcpu(0).slot.data, 0x32);
}

/// The kernel does not show these registers: a wrong value must not reach the device.
void vector_registers() {
  Guest guest({
      0xb8, 0x00, 0xa0, 0x8e, 0xd8,                                // mov ax, a000h; mov ds, ax
      0x0f, 0x20, 0xe0, 0x66, 0x0d, 0x00, 0x02, 0x00, 0x00,        // mov eax, cr4; or eax, 200h
      0x0f, 0x22, 0xe0, 0x0f, 0x11, 0x06, 0x10, 0x00, 0xfa, 0xf4,  // mov cr4, eax; movups [10h], xmm0
  });
  CHECK_EQUAL(guest.run(), ExitKind::Error);
  CHECK(guest.engine->vcpu(0).error_text().find("vector registers") != std::string::npos);
}

}  // namespace

void emulation_cases() {
  memory();
  read_and_write();
  repeated_copy();
  strings_out_and_in();
  changed_code();
  vector_registers();
}

}  // namespace test
