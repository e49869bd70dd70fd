// SPDX-License-Identifier: BSD-2-Clause
// An instruction on two pages, once it is hot, when its second page becomes another or gets other bytes.
#include "long_guest.h"

using namespace tsbhyve;
using tsbhyve::test::LongGuest;
using tsbhyve::test::require;

namespace {

constexpr std::uint64_t second_page = 0x11000, other_page = 0x12000, entry_of_second_page = 0x6000 + 0x11 * 8;
constexpr int rounds = 40, changed_after = 21;

/// RBX = the sum of what the function returns, which ends in `change` when 20 of 40 rounds are left.
std::uint64_t sum(const std::vector<int>& change, const TranslatorOptions& translator) {
  // mov r15d, 40; xor ebx, ebx; top: call 10ffdh; add rbx, rax; cmp r15d, 20; jne past; change; past: dec r15d;
  // jnz top; hlt
  std::vector<int> code = {
      0x41, 0xbf, rounds, 0,    0,    0,    0x31, 0xdb, 0xe8, 0xf0, 0x0f,
      0,    0,    0x48,   0x01, 0xc3, 0x41, 0x83, 0xff, 20,   0x75, static_cast<int>(change.size())};
  code.insert(code.end(), change.begin(), change.end());
  const int back = static_cast<int>(code.size()) + 5 - 8;
  for (const int byte : {0x41, 0xff, 0xcf, 0x75, -back & 0xff, 0xf4}) code.push_back(byte);
  LongGuest guest(code, translator);
  guest.write(second_page - 3, {0xb8, 1, 0, 1, 0, 0xc3});  // mov eax, 10001h; ret
  guest.write(other_page, {5, 0, 0xc3});                   // so that it is 50001h
  while (guest.run(INT64_MAX) != ExitKind::Hlt) {
  }
  return guest.get(Register::rbx);
}

void both_tiers(const char* name, const std::vector<int>& change, std::uint64_t expected) {
  require(sum(change, tsbhyve::test::translator_off()) == expected, std::string(name) + ", tier 1");
  require(sum(change, tsbhyve::test::eager_translator()) == expected, std::string(name) + ", translated");
}

}  // namespace

int main() {
  constexpr std::uint64_t before = 0x10001 * std::uint64_t{changed_after};
  constexpr std::uint64_t after = 0x50001 * std::uint64_t{rounds - changed_after};
  static_assert(entry_of_second_page == 0x6088 && second_page == 0x11000);
  both_tiers("stays", {0x90}, 0x10001 * std::uint64_t{rounds});
  // mov byte [6089h], 20h; invlpg [11000h]
  both_tiers("is mapped elsewhere", {0xc6, 0x04, 0x25, 0x89, 0x60, 0, 0, 0x20, 0x0f, 0x01, 0x3c, 0x25, 0, 0x10, 1, 0},
             before + after);
  // mov byte [11000h], 5
  both_tiers("is written", {0xc6, 0x04, 0x25, 0, 0x10, 1, 0, 5}, before + after);
  return 0;
}
