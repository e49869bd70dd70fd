// SPDX-License-Identifier: BSD-2-Clause
// Code that one vCPU writes and another runs (SDM vol. 3, 8.1.3), and translations that one changes for all.
#include "smp_guest.h"

using namespace tsbhyve::test;

namespace {

/// The function at data + 1000h is MOV EAX, n; RET. vCPU 0 writes n, then the round's number to a flag; the others see
/// the flag, serialize, and must get n. Each tells that it has, and the next round begins.
SMP_GUEST_CODE(with_serialization, R"(
  lea r12, [rbx + 0x1000]
  mov r13d, edx
  mov r14, rbx
  mov r10d, esi
  dec r10d
  xor r9d, r9d
  mov byte ptr [r12], 0xb8
  mov byte ptr [r12 + 5], 0xc3
  test edi, edi
  jnz 3f
1:
  inc r9d
  mov [r12 + 1], r9d
  mov [r14], r9d
2:
  pause
  mov eax, r9d
  imul eax, r10d
  cmp [r14 + 0x40], eax
  jne 2b
  cmp r9d, r13d
  jne 1b
  mov ebx, 0x21000
  ret
3:
  inc r9d
4:
  pause
  cmp [r14], r9d
  jb 4b
  xor eax, eax
  xor ecx, ecx
  cpuid
  call r12
  cmp eax, r9d
  je 5f
  lock inc dword ptr [r14 + 0x80]
5:
  lock inc dword ptr [r14 + 0x40]
  cmp r9d, r13d
  jne 3b
  ret
)");

/// The same without serialization: the new number comes in the end.
SMP_GUEST_CODE(without_serialization, R"(
  lea r12, [rbx + 0x1000]
  xor r9d, r9d
  mov r10d, esi
  dec r10d
  test edi, edi
  jnz 3f
  mov byte ptr [r12], 0xb8
  mov byte ptr [r12 + 5], 0xc3
1:
  inc r9d
  mov [r12 + 1], r9d
  mov [rbx], r9d
2:
  pause
  mov eax, r9d
  imul eax, r10d
  cmp [rbx + 0x40], eax
  jne 2b
  cmp r9d, edx
  jne 1b
  ret
3:
  inc r9d
4:
  pause
  cmp [rbx], r9d
  jb 4b
5:
  pause
  call r12
  cmp eax, r9d
  jne 5b
  lock inc dword ptr [rbx + 0x40]
  cmp r9d, edx
  jne 3b
  ret
)");

/// Every round has a page of its own. On it vCPU 1 runs a function for the first time just while vCPU 0 writes another
/// one there, plainly and from its fast table; then it serializes and runs that.
SMP_GUEST_CODE(first_decoded, R"(
  mov r13d, edx
  mov r14, rbx
  lea r12, [rbx + 0x1f000]
  xor r9d, r9d
  test edi, edi
  jnz 3f
1:
  inc r9d
  mov byte ptr [r12 + 0x100], 0xc3
  mov dword ptr [r12 + 0x208], 0
  mov [r14], r9d
  mov byte ptr [r12 + 0x200], 0xb8
  mov [r12 + 0x201], r9d
  mov byte ptr [r12 + 0x205], 0xc3
  mov [r14 + 0x40], r9d
2:
  pause
  cmp [r14 + 0x80], r9d
  jne 2b
  call 7f
  cmp r9d, r13d
  jne 1b
  ret
3:
  inc r9d
4:
  pause
  cmp [r14], r9d
  jne 4b
  lea rax, [r12 + 0x100]
  call rax
5:
  pause
  cmp [r14 + 0x40], r9d
  jne 5b
  xor eax, eax
  xor ecx, ecx
  cpuid
  lea rax, [r12 + 0x200]
  call rax
  cmp eax, r9d
  je 6f
  lock inc dword ptr [r14 + 0xc0]
6:
  mov [r14 + 0x80], r9d
  call 7f
  cmp r9d, r13d
  jne 3b
  ret
7:
  add r12, 0x1000
  lea rax, [r14 + 0x2f000]
  cmp r12, rax
  jb 8f
  lea r12, [r14 + 0x1f000]
8:
  ret
)");

/// vCPU 0 points the window at one page after the other, each with its number in it, and tells all others by an IPI.
/// After INVLPG in their handlers they must see the new page. The handler is at 800h, and works once RBX is in R14.
SMP_GUEST_CODE(shootdown, R"(
  mov r15d, 0xfee00000
  mov r14, rbx
  mov r10d, esi
  dec r10d
  xor r9d, r9d
  test edi, edi
  jz 0f
  lock inc dword ptr [r14 + 0x100]
  jmp 3f
0:
  pause
  cmp [r14 + 0x100], r10d
  jne 0b
1:
  inc r9d
  mov eax, r9d
  and eax, 7
  shl eax, 12
  add eax, 0x30000
  mov [rax], r9d
  or eax, 3
  mov r11d, 0x5800
  mov [r11], rax
  mov [r14], r9d
  invlpg [0x100000]
  mov dword ptr [r15 + 0x300], 0xc4040
2:
  pause
  mov eax, r9d
  imul eax, r10d
  cmp [r14 + 0x40], eax
  jne 2b
  cmp [0x100000], r9d
  je 9f
  lock inc dword ptr [r14 + 0x80]
9:
  cmp r9d, edx
  jne 1b
  mov dword ptr [r14 + 0xc0], 1
  ret
3:
  pause
  mov eax, [0x100000]
  cmp dword ptr [r14 + 0xc0], 1
  jne 3b
  ret
.org shootdown_begin + 0x800
  push rax
  push rcx
  mov eax, [r14]
  invlpg [0x100000]
  cmp [0x100000], eax
  je 4f
  lock inc dword ptr [r14 + 0x80]
4:
  mov dword ptr [r15 + 0xb0], 0
  lock inc dword ptr [r14 + 0x40]
  pop rcx
  pop rax
  iretq
)");

void no_fault(const GuestCode& code, std::uint32_t vcpus, std::uint64_t faults_at, const std::string& what) {
  constexpr std::uint32_t rounds = 500 / work_divisor;
  for (const Tier tier : {Tier::Handlers, Tier::Translated}) {
    SmpGuest guest(vcpus, code, rounds, tier);
    guest.run();
    require(guest.word(faults_at, 4) == 0, what);
  }
}

}  // namespace

int main() {
  no_fault(with_serialization, 3, data_at + 0x80, "whoever serializes runs what was written before");
  no_fault(without_serialization, 3, data_at + 0x80, "what was written is run in the end");
  no_fault(first_decoded, 2, data_at + 0xc0, "a page is decoded while it is written");
  no_fault(shootdown, 4, data_at + 0x80, "no stale translation survives its shootdown");
}
