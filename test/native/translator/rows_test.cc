// SPDX-License-Identifier: BSD-2-Clause
// Rows of PUSH and POP, which translated code does at once: over the end of a page, onto one that is absent, with flags
// that are looked at behind them.
#include "../guest_code.h"
#include "tiers.h"

using namespace tsbhyve;
using tsbhyve::test::LongGuest;
using tsbhyve::test::require;

namespace {

constexpr std::uint64_t faults_at = 0x48000;

/// The stack begins at each place about 60000h; the page below that goes away now and then.
TEST_GUEST_CODE(rows, "64", R"(
  mov r15d, 3000
1:
  mov eax, r15d
  and eax, 63
  lea rsp, [rax * 8 + 0x5ff00]
  test r15d, 3
  jnz 2f
  mov qword ptr ds:[0x62f8], 0
  invlpg byte ptr ds:[0x5f000]
2:
  add rbp, 0x1234567
  add r14, rbp
  cmp rbp, r14
  push rbx
  push rbp
  push r9
  push r14
  push r15
  push rax
  jc 3f
  inc rbx
3:
  adc rbx, rbp
  cmp rbx, r9
  pop rsi
  pop rdi
  pop r8
  pop rcx
  pop r13
  pop r9
  jb 4f
  add r12, r8
4:
  adc r12, rsi
  xor r12, rcx
  rol r12, 5
  add r9, r12
  sub rsp, rdi
  add rsp, rdi
  test r15d, 4
  jz 5f
  mov qword ptr ds:[0x62f8], 0
  invlpg byte ptr ds:[0x5f000]
5:
  cmp rsp, 0x5ffd0
  push r12
  push r9
  adc r13, 7
  lea rsp, [rsp - 16]
  pop r11
  pop r10
  dec r15d
  jnz 1b
  hlt
)");

/// Brings the page, on a stack of its own.
TEST_GUEST_CODE(brings_page, "64", R"(
  mov qword ptr ds:[0x62f8], 0x5f067
  inc dword ptr ds:[0x48000]
  add rsp, 8
  iretq
)");

std::unique_ptr<LongGuest> make(const TranslatorOptions& translator) {
  auto guest = std::make_unique<LongGuest>(std::vector<int>(rows.begin(), rows.end()), translator);
  guest->handle(14, brings_page, true);
  return guest;
}

}  // namespace

int main() {
  for (const std::int64_t step : {1'000'000, 1009, 31, 1}) {
    const auto guest = tsbhyve::test::same_on_both_tiers(make, step);
    require(guest->get(Register::r15) == 0, "the guest comes to its end");
    require(guest->byte(faults_at + 1) >= 2, "pages are missed some hundred times");
  }
  return 0;
}
