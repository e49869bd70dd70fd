// SPDX-License-Identifier: BSD-2-Clause
// A machine whose vCPUs run at the same time is saved in the midst of it, over and over, and goes on as another one:
// nothing is lost, and nothing is done twice.
#include "smp_guest.h"

using namespace tsbhyve::test;

namespace {

/// A plain counter behind a lock, and locked ones, one of them seldom: all others stand for it.
SMP_GUEST_CODE(counting, R"(
  mov ecx, edx
1:
  pause
  lock bts dword ptr [rbx], 3
  jc 1b
  inc qword ptr [rbx + 0x40]
  mov dword ptr [rbx], 0
  lock add dword ptr [rbx + 0x80], 3
  lock inc qword ptr [rbx + 0xc0]
  mov eax, 5
  lock xadd dword ptr [rbx + 0x100], eax
  test ecx, 63
  jnz 2f
  lock inc qword ptr [rbx + 0x13d]
2:
  dec ecx
  jnz 1b
  ret
)");

/// In each round every vCPU interrupts all others and sleeps until it has been interrupted as often as there are others
/// and rounds. A sender is at most three rounds ahead of what another has taken of it, so four vectors keep them apart.
SMP_GUEST_CODE(interrupting, R"(
  mov ecx, edx
  xor r9d, r9d
  lea r12d, [rdi + 1]
  shl r12d, 6
  add r12, rbx
  mov r10d, esi
  dec r10d
  lea r8d, [rdi * 4 + 0xc4040]
1:
  add r9d, r10d
  mov eax, ecx
  and eax, 3
  add eax, r8d
  mov [r15 + 0x300], eax
2:
  cli
  cmp [r12], r9d
  jae 3f
  sti
  hlt
  jmp 2b
3:
  sti
  dec ecx
  jnz 1b
  ret
.org interrupting_begin + 0x800
  push rax
  lea eax, [rdi + 1]
  shl eax, 6
  inc dword ptr [rbx + rax]
  mov dword ptr [r15 + 0xb0], 0
  pop rax
  iretq
)");

/// Saved so often at most: a new machine costs far more than the time between two.
constexpr int most_moves = 60;

void run_in_many_machines(SmpGuest& guest) {
  constexpr std::int64_t between_moves = 300'000;
  int moves = 0;
  while (!guest.step(moves < most_moves ? between_moves : INT64_MAX)) {
    guest.safepoint();
    if (moves++ < most_moves) guest.move_to_new_machine();
  }
  require(moves > 0, "the guest is stopped in its work");
}

void no_count_is_lost(std::uint64_t vcpus) {
  constexpr std::uint64_t seldom = 64, rounds = seldom * (640 / work_divisor);
  SmpGuest guest(static_cast<std::uint32_t>(vcpus), counting, rounds, Tier::Translated);
  run_in_many_machines(guest);
  require(guest.word(data_at + 0x40) == vcpus * rounds, "a lock lets one in");
  require(guest.word(data_at + 0x80, 4) == vcpus * rounds * 3, "ADD counts once");
  require(guest.word(data_at + 0xc0) == vcpus * rounds, "INC counts once");
  require(guest.word(data_at + 0x100, 4) == vcpus * rounds * 5, "XADD counts once");
  require(guest.word(data_at + 0x13d) == vcpus * rounds / seldom, "INC on two cache lines counts once");
}

void no_interrupt_is_lost(std::uint64_t vcpus) {
  constexpr std::uint64_t rounds = 1'000 / work_divisor;
  SmpGuest guest(static_cast<std::uint32_t>(vcpus), interrupting, rounds, Tier::Translated);
  run_in_many_machines(guest);
  for (std::uint64_t vcpu = 0; vcpu < vcpus; vcpu++) {
    require(guest.word(data_at + (vcpu + 1) * 0x40, 4) == (vcpus - 1) * rounds, "each interrupt comes once");
  }
}

}  // namespace

int main() {
  no_count_is_lost(4);
  no_interrupt_is_lost(2);
  no_interrupt_is_lost(4);
}
