// SPDX-License-Identifier: BSD-2-Clause
// Operands near one base register, which are looked up together: over the end of a page, on one that goes away between
// two of them, while the base moves; in a loop that uses all general registers, so that homes are lent.
#include "../guest_code.h"
#include "tiers.h"

using namespace tsbhyve;
using tsbhyve::test::LongGuest;
using tsbhyve::test::require;

namespace {

constexpr std::uint64_t faults_at = 0x48000;

/// RBX comes to places before, on and behind the end of the page at 50000h; the page behind it goes away now and then,
/// also in the midst of a row of accesses. So do entries of the TLB, for a page that has the same slot, and now and
/// then something is read from the last page of all.
TEST_GUEST_CODE(near_a_base, "64", R"(
  mov qword ptr ds:[0x5080], 0x6067
  mov r15d, 2500
  mov r9d, 0x1357
  mov r10d, 0x2468
1:
  mov eax, r15d
  and eax, 127
  lea rbx, [rax * 4 + 0x50e80]
  test r15d, 3
  jnz 2f
  mov qword ptr ds:[0x6288], 0
  invlpg byte ptr ds:[0x51000]
2:
  mov rcx, [rbx]
  add r9, [rbx + 8]
  mov [rbx + 16], r9
  adc r10, [rbx + 0x84]
  xor [rbx + 24], r10d
  inc byte ptr [rbx + 31]
  adc qword ptr [rbx + 40], 3
  movzx r11d, word ptr [rbx + 37]
  add rbx, 8
  mov [rbx + 0x81], r11
  sub r10, [rbx - 8]
  push [rbx + 16]
  pop r14
  test r15d, 5
  jnz 3f
  mov qword ptr ds:[0x6288], 0
  invlpg byte ptr ds:[0x51000]
3:
  cmp r14, [rbx + 0x48]
  cmovb r11, [rbx + 0x50]
  setc [rbx + 0x5b]
  lea rbx, [rbx + 12]
  mov rsi, rbx
  lea rdx, [rbx + 0x2000000]
  test r15d, 2
  cmovz rsi, rdx
  mov rdx, [rsi + 16]
  add r11, rdx
  mov [rbx + 0x60], r11
  rol r14, 7
  xor r14, [rbx + 0x10]
  add [rbx + 0x70], r14
  movups xmm3, [rbx + 0x21]
  movdqu [rbx + 0x33], xmm3
  addps xmm4, xmm3
  movss [rbx + 0x47], xmm4
  mov rsi, [rbx + 8]
  imul rdi, [rbx + 16], 77
  mov rdx, [rbx + 24]
  mov r12, [rbx + 32]
  add r13, [rbx + 40]
  add r8, rdi
  xor rbp, r12
  inc qword ptr [rip + counted]
  add qword ptr [rip + counted + 8], rdx
  mov rcx, [rip + counted]
  xor r9, [rip + counted + 8]
  neg dword ptr [rip + counted + 16]
  mov rsi, -16
  test r15d, 31
  cmovnz rsi, rbx
  mov rdx, [rsi]
  dec r15d
  jnz 1b
  hlt
.balign 4096
counted:
.fill 64
)");

/// Brings the page, steps over the load from the last of all.
TEST_GUEST_CODE(brings_page, "64", R"(
  push rax
  mov rax, cr2
  shr rax, 12
  cmp rax, 0x51
  pop rax
  jne 4f
  mov qword ptr ds:[0x6288], 0x51067
  inc dword ptr ds:[0x48000]
  add rsp, 8
  iretq
4:
  add rsp, 8
  add qword ptr [rsp], 3
  inc dword ptr ds:[0x48010]
  iretq
)");

std::unique_ptr<LongGuest> make(const TranslatorOptions& translator) {
  auto guest = std::make_unique<LongGuest>(std::vector<int>(near_a_base.begin(), near_a_base.end()), translator);
  guest->handle(14, brings_page, true);
  return guest;
}

}  // namespace

int main() {
  for (const std::int64_t step : {1'000'000, 1009, 31, 1}) {
    const auto guest = tsbhyve::test::same_on_both_tiers(make, step);
    require(guest->get(Register::r15) == 0, "the guest comes to its end");
    require(guest->byte(faults_at + 0x10) == 2500 / 32, "nothing lies on the last page");
    require(guest->byte(faults_at + 1) >= 1, "pages are missed some hundred times");
  }
  return 0;
}
