// SPDX-License-Identifier: BSD-2-Clause
// REP MOVS and REP STOS, which translated code does as copies of the host: all sizes, over pages that come and go, onto
// themselves, downward, onto code, none at all, and as many as the budget allows.
#include "../guest_code.h"
#include "tiers.h"

using namespace tsbhyve;
using tsbhyve::test::LongGuest;
using tsbhyve::test::require;

namespace {

constexpr std::uint64_t faults_at = 0x48000;

/// Between 50000h and 5ffffh; the page at 54000h goes away now and then.
TEST_GUEST_CODE(strings, "64", R"(
  mov r15d, 160
1:
  test r15d, 3
  jnz 2f
  mov qword ptr ds:[0x62a0], 0
  invlpg byte ptr ds:[0x54000]
2:
  imul eax, r15d, 0x9e3779b1
  mov r12d, eax
  mov edi, eax
  shr edi, 20
  lea edi, [rdi + 0x53000]
  mov ecx, r15d
  and ecx, 511
  cmp r15d, 80
  rep stosb
  adc rbx, rdi
  mov ecx, 100
  rep stosq
  adc rbx, rdi

  lea rsi, [rdi - 300]
  mov ecx, 150
  rep movsw
  sbb rbx, rsi
  lea rdi, [rsi + 3]
  mov ecx, 77
  rep movsd
  mov ecx, r15d
  and ecx, 3
  rep movsq
  add rbx, rcx
  mov ecx, 0x800
  lea rsi, [rdi - 0x1234]
  lea rdi, [rdi - 0x2345]
  rep movsb
  xor rbx, rdi
  rol rbx, 5

  std
  mov ecx, 40
  rep movsb
  cld
  mov ecx, 20
  .byte 0x67
  rep stosd
  lea rdi, [rip + .Lwritten + 2]
  mov al, r15b
  mov ecx, 2
  rep stosb
.Lwritten:
  mov r13d, 0x11111111
  add rbx, r13
  dec r15d
  jnz 1b
  hlt
)");

/// Brings the page, on a stack of its own.
TEST_GUEST_CODE(brings_page, "64", R"(
  mov qword ptr ds:[0x62a0], 0x54067
  inc dword ptr ds:[0x48000]
  add rsp, 8
  iretq
)");

std::unique_ptr<LongGuest> make(const TranslatorOptions& translator) {
  auto guest = std::make_unique<LongGuest>(std::vector<int>(strings.begin(), strings.end()), translator);
  guest->handle(14, brings_page, true);
  return guest;
}

}  // namespace

int main() {
  for (const std::int64_t step : {1'000'000, 10'007, 331, 1}) {
    const auto guest = tsbhyve::test::same_on_both_tiers(make, step);
    require(guest->get(Register::r15) == 0, "the guest comes to its end");
    require(guest->byte(faults_at) >= 20, "the page is missed again and again");
  }
  return 0;
}
