// SPDX-License-Identifier: BSD-2-Clause
// SWAPGS in translated code, with what GS leads to before and behind it.
#include "../guest_code.h"
#include "tiers.h"

using namespace tsbhyve;
using tsbhyve::test::LongGuest;
using tsbhyve::test::require;

namespace {

TEST_GUEST_CODE(swaps, "64", R"(
  mov ecx, 0xc0000101
  mov eax, 0x40000
  xor edx, edx
  wrmsr
  inc ecx
  mov eax, 0x41000
  wrmsr
  mov r15d, 501
1:
  mov eax, gs:[8]
  add eax, r15d
  swapgs
  add gs:[16], eax
  add ebx, gs:[16]
  adc ebx, 5
  swapgs
  mov gs:[8], ebx
  swapgs
  dec r15d
  jnz 1b
  mov eax, 1
  mov gs:[24], eax
  hlt
)");

std::unique_ptr<LongGuest> make(const TranslatorOptions& translator) {
  return std::make_unique<LongGuest>(std::vector<int>(swaps.begin(), swaps.end()), translator);
}

}  // namespace

int main() {
  for (const std::int64_t step : {1'000'000, 97, 1}) {
    const auto guest = tsbhyve::test::same_on_both_tiers(make, step);
    require(guest->byte(0x41000 + 24) == 1, "an odd number of swaps leaves the other base");
  }
  return 0;
}
