// SPDX-License-Identifier: BSD-2-Clause
// What the order of memory accesses of x86 forbids does not happen (SDM vol. 3, 8.2.3).
#include "smp_guest.h"

using namespace tsbhyve::test;

namespace {

/// The first writes data and then a flag, both the round's number; the others never see the flag ahead of the data. At
/// data + 80h: how often they did.
SMP_GUEST_CODE(message_passing, R"(
  test edi, edi
  jnz 2f
  xor ecx, ecx
1:
  inc ecx
  mov [rbx], ecx
  mov [rbx + 0x40], ecx
  cmp ecx, edx
  jne 1b
  ret
2:
  mov eax, [rbx + 0x40]
  mov ecx, [rbx]
  cmp ecx, eax
  jae 3f
  lock inc dword ptr [rbx + 0x80]
3:
  cmp eax, edx
  jne 2b
  ret
)");

/// Load before store: a load of one round is not overtaken by the store that follows it. Two vCPUs copy each other's
/// counter and then add one; both counters grow in step.
SMP_GUEST_CODE(ping_pong, R"(
  mov ecx, edi
  xor ecx, 1
  lea r8, [rbx]
  shl edi, 6
  shl ecx, 6
  add rcx, rbx
  add r8, rdi
  xor r9d, r9d
1:
  mov eax, [rcx]
  mov r10d, [r8]
  mov r11d, eax
  sub r11d, r10d
  add r11d, 1
  cmp r11d, 2
  jbe 2f
  lock inc dword ptr [rbx + 0x80]
2:
  cmp eax, r10d
  jb 3f
  inc r10d
  mov [r8], r10d
3:
  pause
  cmp r10d, edx
  jne 1b
  ret
)");

/// Peterson's lock for two works only because MFENCE keeps the load of the other's flag behind the store of one's own.
/// At data + C0h: a plain counter.
SMP_GUEST_CODE(peterson, R"(
  mov r8d, edi
  xor r8d, 1
  mov ecx, edx
1:
  mov dword ptr [rbx + rdi * 4], 1
  mov [rbx + 0x40], r8d
  mfence
2:
  pause
  cmp dword ptr [rbx + r8 * 4], 0
  je 3f
  cmp [rbx + 0x40], r8d
  je 2b
3:
  mov eax, [rbx + 0xc0]
  inc eax
  mov [rbx + 0xc0], eax
  mov dword ptr [rbx + rdi * 4], 0
  dec ecx
  jnz 1b
  ret
)");

void messages_pass(Tier tier) {
  SmpGuest guest(3, message_passing, 1'000'000 / work_divisor, tier);
  guest.run();
  require(guest.word(data_at + 0x80, 4) == 0, "a flag is never seen before its data");
}

void counters_keep_step(Tier tier) {
  constexpr std::uint64_t rounds = 500 / work_divisor;
  SmpGuest guest(2, ping_pong, rounds, tier);
  guest.run();
  require(guest.word(data_at + 0x80, 4) == 0, "the counters are never more than one apart");
  require(guest.word(data_at, 4) == rounds && guest.word(data_at + 0x40, 4) == rounds, "and come to the end");
}

void peterson_excludes(Tier tier) {
  constexpr std::uint64_t rounds = 20'000 / work_divisor;
  SmpGuest guest(2, peterson, rounds, tier);
  guest.run();
  require(guest.word(data_at + 0xc0, 4) == 2 * rounds, "Peterson's lock lets one in");
}

}  // namespace

int main() {
  for (const Tier tier : {Tier::Handlers, Tier::Translated}) {
    messages_pass(tier);
    counters_keep_step(tier);
    peterson_excludes(tier);
  }
}
