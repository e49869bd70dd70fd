// SPDX-License-Identifier: BSD-2-Clause
// Locked operations of every width count exactly, whoever else counts at the same time.
#include "smp_guest.h"

using namespace tsbhyve::test;

namespace {

SMP_GUEST_CODE(locked_widths, R"(
  mov ecx, edx
1:
  lock inc byte ptr [rbx]
  lock add word ptr [rbx + 0x40], 3
  mov eax, 5
  lock xadd dword ptr [rbx + 0x80], eax
  lock sub qword ptr [rbx + 0xc0], 7
  mov rax, [rbx + 0x100]
2:
  lea r8, [rax + 11]
  lock cmpxchg qword ptr [rbx + 0x100], r8
  jne 2b
  lock adc dword ptr [rbx + 0x140], 1
  lock neg byte ptr [rbx + 0x180]
  lock not word ptr [rbx + 0x1c0]
  lock xor dword ptr [rbx + 0x200], ecx
  dec ecx
  jnz 1b
  ret
)");

void every_width_counts(Tier tier) {
  constexpr std::uint64_t vcpus = 4, rounds = 200'000 / work_divisor * 2;
  SmpGuest guest(vcpus, locked_widths, rounds, tier);
  guest.put(data_at + 0x180, 5, 1);
  guest.put(data_at + 0x1c0, 0x1234, 2);
  guest.run();
  const std::uint64_t total = vcpus * rounds;
  require(guest.word(data_at, 1) == total % 256, "INC of a byte");
  require(guest.word(data_at + 0x40, 2) == total * 3 % 65536, "ADD to a word");
  require(guest.word(data_at + 0x80, 4) == total * 5, "XADD of a doubleword");
  require(guest.word(data_at + 0xc0) == 0 - total * 7, "SUB from a quadword");
  require(guest.word(data_at + 0x100) == total * 11, "CMPXCHG of a quadword");
  require(guest.word(data_at + 0x140, 4) == total, "ADC without carry");
  require(guest.word(data_at + 0x180, 1) == 5 && guest.word(data_at + 0x1c0, 2) == 0x1234, "NEG and NOT");
  require(guest.word(data_at + 0x200, 4) == 0, "XOR, an even number of times with each value");
}

SMP_GUEST_CODE(pairs, R"(
  mov r9d, edx
  mov r12, rbx
1:
  mov eax, [r12]
  mov edx, [r12 + 4]
2:
  mov ebx, eax
  mov ecx, edx
  add ebx, 1
  adc ecx, 3
  lock cmpxchg8b qword ptr [r12]
  jne 2b
  mov rax, [r12 + 0x40]
  mov rdx, [r12 + 0x48]
3:
  mov rbx, rax
  mov rcx, rdx
  add rbx, 5
  adc rcx, 9
  lock cmpxchg16b xmmword ptr [r12 + 0x40]
  jne 3b
  dec r9d
  jnz 1b
  ret
)");

void pairs_count(Tier tier) {
  constexpr std::uint64_t vcpus = 4, rounds = 20'000 / work_divisor;
  SmpGuest guest(vcpus, pairs, rounds, tier);
  guest.run();
  require(guest.word(data_at) == vcpus * rounds * (1 + (std::uint64_t{3} << 32)), "CMPXCHG8B");
  require(guest.word(data_at + 0x40) == vcpus * rounds * 5, "CMPXCHG16B, low half");
  require(guest.word(data_at + 0x48) == vcpus * rounds * 9, "CMPXCHG16B, high half");
}

/// Plain counters behind a lock that XCHG takes, one that BTS takes and one behind a bit string.
SMP_GUEST_CODE(spin_locks, R"(
  mov ecx, edx
1:
  mov eax, 1
2:
  pause
  xchg [rbx], eax
  test eax, eax
  jnz 2b
  inc qword ptr [rbx + 8]
  mov [rbx], eax
3:
  pause
  lock bts dword ptr [rbx + 0x40], 5
  jc 3b
  inc qword ptr [rbx + 0x48]
  lock btr dword ptr [rbx + 0x40], 5
  mov r8d, 333
4:
  pause
  lock bts dword ptr [rbx + 0x80], r8d
  jc 4b
  inc qword ptr [rbx + 0xc0]
  lock btc dword ptr [rbx + 0x80], r8d
  dec ecx
  jnz 1b
  ret
)");

void locks_exclude(Tier tier) {
  constexpr std::uint64_t vcpus = 4, rounds = 1'000 / work_divisor;
  SmpGuest guest(vcpus, spin_locks, rounds, tier);
  guest.run();
  for (const std::uint64_t at : {0x8u, 0x48u, 0xc0u}) {
    require(guest.word(data_at + at) == vcpus * rounds, "each lock lets one in: " + std::to_string(at));
  }
}

/// Operands that lie on two cache lines, and on two pages.
SMP_GUEST_CODE(split_locks, R"(
  mov ecx, edx
1:
  lock inc qword ptr [rbx + 0x3d]
  mov eax, 1
  lock xadd dword ptr [rbx + 0xffe], eax
  lock add word ptr [rbx + 0x81], 1
  lock inc dword ptr [rbx + 0x200]
  dec ecx
  jnz 1b
  ret
)");

void split_locks_count(Tier tier) {
  constexpr std::uint64_t vcpus = 3, rounds = 600 / work_divisor;
  SmpGuest guest(vcpus, split_locks, rounds, tier);
  guest.run();
  require(guest.word(data_at + 0x3d) == vcpus * rounds, "on two lines");
  require(guest.word(data_at + 0xffe, 4) == vcpus * rounds, "on two pages");
  require(guest.word(data_at + 0x81, 2) == vcpus * rounds, "on one line, not aligned");
  require(guest.word(data_at + 0x200, 4) == vcpus * rounds, "and beside them");
}

}  // namespace

int main() {
  for (const Tier tier : {Tier::Handlers, Tier::Translated}) {
    every_width_counts(tier);
    pairs_count(tier);
    locks_exclude(tier);
    split_locks_count(tier);
  }
}
