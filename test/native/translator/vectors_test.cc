// SPDX-License-Identifier: BSD-2-Clause
// XMM registers in host registers: whatever C++ is called in between, for pages that are not in the TLB, for devices,
// for instructions of tier 1.
#include "../guest_code.h"
#include "tiers.h"

using namespace tsbhyve;
using tsbhyve::test::LongGuest;

namespace {

constexpr std::uint64_t source_at = 0x80000, source_end = 0xa4000, device_page = 0x90;

TEST_GUEST_CODE(vectors, "64", R"(
  mov r15d, 1500
  mov edi, 0x40000
1:
  imul eax, r15d, 0x1018
  and eax, 0x1ffff
  lea rsi, [rax + 0x80000]
  movups xmm0, [rsi]
  movups xmm15, [rsi + 8]
  paddd xmm0, xmm15
  pxor xmm1, xmm0
  paddq xmm14, xmm1
  punpcklbw xmm2, xmm0
  test r15d, 3
  jnz 2f
  mov rcx, cr3
  mov cr3, rcx
2:
  movups [rsi + 16], xmm1
  movdqa xmm3, [rdi]
  movhps xmm3, [rsi]
  movlps [rsi + 40], xmm2
  pinsrw xmm2, r15d, 3
  insertps xmm3, xmm1, 0x4a
  paddw xmm2, xmm3
  movhpd [rsi + 72], xmm0
  movlpd xmm0, [rsi + 64]
  movsd xmm4, qword ptr [rsi + 3]
  movss xmm5, dword ptr [rsi + 1]
  movss xmm3, xmm5
  movsd xmm2, xmm4
  movq rdx, xmm14
  movd ecx, xmm1
  add r8, rdx
  xor r9, rcx
  movq xmm6, r8
  movd xmm7, r9d
  pshufd xmm8, xmm6, 0x1b
  shufps xmm9, xmm7, 0x4e
  psllq xmm8, 3
  cvtsi2sd xmm10, r15
  addsd xmm11, xmm10
  sqrtsd xmm12, xmm11
  ucomisd xmm12, xmm10
  jbe 3f
  pcmpeqd xmm13, xmm8
3:
  pmovmskb eax, xmm13
  add r10, rax
  push rax
  pop rbx
  movhlps xmm13, xmm8
  movlhps xmm9, xmm15
  movq xmm7, xmm9
  movq xmm14, xmm15
  cvttsd2si rdx, xmm11
  add r11, rdx
  cpuid
  pand xmm0, [rdi + 16]
  paddb xmm0, xmm9
  movaps [rdi + 32], xmm0
  movq qword ptr [rsi + 48], xmm3
  movd dword ptr [rsi + 56], xmm5
  movntdq [rdi + 64], xmm13
  inc dword ptr [rsi + 96]
  paddw xmm1, xmm13
  dec r15d
  jnz 1b
  hlt
)");

std::unique_ptr<LongGuest> make(const TranslatorOptions& translator) {
  auto guest = std::make_unique<LongGuest>(std::vector<int>(vectors.begin(), vectors.end()), translator);
  std::uint32_t random = 1;
  for (std::uint64_t at = source_at; at < source_end; at++) {
    random = random * 1103515245 + 12345;
    guest->byte(at) = static_cast<std::uint8_t>(random >> 16);
  }
  for (std::uint64_t at = 0x40000; at < 0x40040; at++) guest->byte(at) = static_cast<std::uint8_t>(at * 37);
  guest->write(0x6000 + device_page * 8, {0x67, 0, 0x20});  // 200000h is nobody's memory
  return guest;
}

}  // namespace

int main() {
  for (const std::int64_t step : {1'000'000, 997, 29}) {
    const auto guest = tsbhyve::test::same_on_both_tiers(make, step);
    tsbhyve::test::require(guest->get(Register::r15) == 0, "the guest comes to its end");
  }
  return 0;
}
