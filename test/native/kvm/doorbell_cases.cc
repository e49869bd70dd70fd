// SPDX-License-Identifier: BSD-2-Clause
// Writes that the kernel notes while the vCPU goes on.
#include <atomic>
#include <thread>

#include "guest.h"

namespace test {

namespace {

constexpr std::uint64_t bell_address = 0x80010;

/// mov ax, 8000h; mov ds, ax; mov [10h], ax; out 80h, al; mov [10h], ax; mov [12h], ax; hlt
constexpr std::initializer_list<int> rings = {0xb8, 0x00, 0x80, 0x8e, 0xd8, 0xa3, 0x10, 0x00, 0xe6,
                                              0x80, 0xa3, 0x10, 0x00, 0xa3, 0x12, 0x00, 0xf4};

struct Heard {
  std::atomic<unsigned> first = 0, other = 0;
  void listen(Guest& guest) {
    guest.engine->set_doorbells([this](std::uint32_t token) { (token == 7 ? first : other)++; });
  }
};

void memory_write() {
  Guest guest(rings);
  Heard heard;
  heard.listen(guest);
  guest.engine->add_doorbell(false, bell_address, 2, 7);
  CHECK_EQUAL(guest.run(), ExitKind::PortWrite);
  while (heard.first == 0) std::this_thread::yield();  // its thread tells while nothing else happens
  CHECK_EQUAL(guest.run(), ExitKind::MmioWrite);
  CHECK_EQUAL(guest.slot().address, bell_address + 2);
  CHECK_EQUAL(guest.safepoint(), ExitKind::None);
  CHECK_EQUAL(heard.first, 2);  // no later than the safepoint
  CHECK_EQUAL(heard.other, 0);
}

void removed() {
  Guest guest(rings);
  Heard heard;
  heard.listen(guest);
  guest.engine->add_doorbell(false, bell_address, 2, 7);
  guest.engine->remove_doorbell(7);
  guest.engine->remove_doorbell(7);
  CHECK_EQUAL(guest.run(), ExitKind::MmioWrite);
  CHECK_EQUAL(guest.slot().address, bell_address);
  CHECK_EQUAL(heard.first, 0);
}

void port_write() {
  Guest guest({0xe6, 0x70, 0xe6, 0x71, 0xf4});  // out 70h, al; out 71h, al; hlt
  Heard heard;
  heard.listen(guest);
  guest.engine->add_doorbell(true, 0x70, 1, 9);
  CHECK_EQUAL(guest.run(), ExitKind::PortWrite);
  CHECK_EQUAL(guest.slot().address, 0x71);
  CHECK_EQUAL(guest.safepoint(), ExitKind::None);
  CHECK_EQUAL(heard.other, 1);
}

/// The kernel refuses two at one place, which a guest can bring about: the machine goes on with the first.
void twice() {
  Guest guest(rings);
  Heard heard;
  heard.listen(guest);
  guest.engine->add_doorbell(false, bell_address, 2, 7);
  guest.engine->add_doorbell(false, bell_address, 2, 8);
  guest.engine->remove_doorbell(8);
  CHECK_EQUAL(guest.run(), ExitKind::PortWrite);
  CHECK_EQUAL(guest.safepoint(), ExitKind::None);
  CHECK_EQUAL(heard.first, 1);
  CHECK_EQUAL(heard.other, 0);
}

}  // namespace

void doorbell_cases() {
  memory_write();
  removed();
  port_write();
  twice();
}

}  // namespace test
