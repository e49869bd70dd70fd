// SPDX-License-Identifier: BSD-2-Clause
// What is left of a repeated string operation behind a fault, which runs with RF set (SDM vol. 3, 17.3.1.1).
#include "flat_guest.h"

using namespace tsbhyve;
using tsbhyve::test::FlatGuest;
using tsbhyve::test::require;

namespace {

constexpr int stosb = 0xaa, insb = 0x6c;
constexpr std::uint32_t first = 0x5ff0, count = 0x40, absent_page = 6;

/// The operation stores 64 bytes onto two pages, the second of which its handler brings first. The device tells 1,
/// 2, 3.
std::vector<std::uint8_t> run(int operation, std::int64_t step) {
  FlatGuest guest({0xf3, operation, 0xf4});
  guest.map_identity();
  guest.write(0x4000 + absent_page * 4, {0, 0, 0, 0});
  // mov dword [4018h], 6067h; add esp, 4; iret
  guest.write(0x740, {0xc7, 0x05, 0x18, 0x40, 0, 0, 0x67, 0x60, 0, 0, 0x83, 0xc4, 4, 0xcf});
  guest.set_vector(14, 0x740);
  guest.set(Register::rax, 0x5a);
  guest.set(Register::rcx, count);
  guest.set(Register::rdx, 0x300);
  guest.set(Register::rdi, first);
  std::uint64_t told = 0;
  for (;;) {
    const std::int64_t end = guest.engine->time() + step;
    const ExitKind kind = guest.run(end);
    if (kind == ExitKind::Hlt) break;
    if (kind == ExitKind::Deadline) require(guest.engine->time() == end, "slices end where they are to");
    if (kind == ExitKind::PortRead) guest.vcpu->slot.data = ++told;
  }
  require(guest.get(Register::rcx) == 0, "all iterations are done");
  for (std::uint32_t i = 0; i < count; i++) {
    const std::uint32_t expected = operation == stosb ? 0x5a : i + 1;
    require(guest.byte(first + i) == expected, "byte " + std::to_string(i) + " of " + std::to_string(operation));
  }
  return guest.everything();
}

}  // namespace

int main() {
  for (const int operation : {stosb, insb}) {
    const std::vector<std::uint8_t> whole = run(operation, 1 << 20);
    for (const std::int64_t step : {1, 2, 7, 24}) {
      require(run(operation, step) == whole, "the same bits in slices of " + std::to_string(step));
    }
  }
  return 0;
}
