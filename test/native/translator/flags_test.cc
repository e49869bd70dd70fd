// SPDX-License-Identifier: BSD-2-Clause
// Conditions on flags that come from two instructions.
#include "long_guest.h"

using namespace tsbhyve;
using tsbhyve::test::LongGuest;
using tsbhyve::test::require;

namespace {

std::vector<std::uint8_t> result(const std::vector<int>& body, const TranslatorOptions& translator) {
  // mov r14, data_at; mov r15, 300; top: mov eax, r15d; body; dec r15; jnz top; hlt
  std::vector<int> code = {0x49, 0xbe, 0, 0, 4, 0, 0, 0, 0, 0, 0x49, 0xc7, 0xc7, 0x2c, 1, 0, 0, 0x44, 0x89, 0xf8};
  code.insert(code.end(), body.begin(), body.end());
  const auto back = static_cast<int>(body.size() + 3 + 3 + 2);
  for (const int byte : {0x49, 0xff, 0xcf, 0x75, -back & 0xff, 0xf4}) code.push_back(byte);
  LongGuest guest(code, translator);
  guest.set(Register::r12, 150);
  while (guest.run(INT64_MAX) != ExitKind::Hlt) {
  }
  return guest.everything();
}

void agrees(const char* name, const std::vector<int>& body) {
  require(result(body, tsbhyve::test::translator_off()) == result(body, tsbhyve::test::eager_translator()), name);
}

}  // namespace

int main() {
  agrees("sub al, 80h; dec r12; cmova rbx, [r14]; add rbx, rax",
         {0x2c, 0x80, 0x49, 0xff, 0xcc, 0x49, 0x0f, 0x47, 0x1e, 0x48, 0x01, 0xc3});
  agrees("sub al, 80h; dec r12; cmova rbx, rax", {0x2c, 0x80, 0x49, 0xff, 0xcc, 0x48, 0x0f, 0x47, 0xd8});
  agrees("sub al, 80h; inc r12; setbe [r14]; add rbx, [r14]",
         {0x2c, 0x80, 0x49, 0xff, 0xc4, 0x41, 0x0f, 0x96, 0x06, 0x49, 0x03, 0x1e});
  agrees(
      "xor ebx, ebx; test rbx, rbx; lea rbx, [rbx + 7fffffffh] twice; lea rbx, [rbx + 2]; mov rcx, [r14]; sete cl; "
      "add r13, rcx",
      {0x31, 0xdb, 0x48, 0x85, 0xdb, 0x48, 0x8d, 0x9b, 0xff, 0xff, 0xff, 0x7f, 0x48, 0x8d, 0x9b, 0xff,
       0xff, 0xff, 0x7f, 0x48, 0x8d, 0x5b, 0x02, 0x49, 0x8b, 0x0e, 0x0f, 0x94, 0xc1, 0x49, 0x01, 0xcd});
  return 0;
}
