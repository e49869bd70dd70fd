// SPDX-License-Identifier: BSD-2-Clause
// Which homes a region lends: those that it does not use, to what it uses much; none for uses that come once.
#include "soft/translator/homes.h"

#include <algorithm>

#include "../check.h"
#include "../guest_code.h"

using namespace tsbhyve::soft;
using test::require;

namespace {

TEST_GUEST_CODE(busy, "64", R"(
  add r14, r15
  xor r14, r9
  rol r14, 3
  sub r15, r14
  add r9, r15
  xor r9, r14
  sub r15, r9
  dec ecx
)");

TEST_GUEST_CODE(uses_stack, "64", R"(
  push r14
  xor r14, r9
  rol r14, 3
  sub r15, r14
  add r14, r15
  xor r15, r14
  mov bh, 1
  pop r14
)");

Plan plan_of(std::span<const uint8_t> code, bool loops) {
  Plan plan(1);
  for (size_t at = 0; at < code.size(); at += plan[0].instructions.back().length) {
    Instruction& next = plan[0].instructions.emplace_back();
    require(decode(code.data() + at, code.size() - at, CodeSize::Bits64, next) == DecodeStatus::Ok, "it is code");
  }
  if (loops) plan[0].taken = 0;
  return plan;
}

bool lends(const Homes& homes, u8 owner) {
  return std::ranges::any_of(homes.loans, [owner](const Loan& loan) { return loan.owner == owner; });
}

}  // namespace

int main() {
  const Homes homes = choose_homes(plan_of(busy, true));
  require(homes.loans.size() == 3, "r9, r14 and r15 borrow");
  for (const size_t guest : {9u, 14u, 15u})
    require(homes.of[guest] != host_code::in_memory, "a busy register has a home");
  for (const u8 guest : {RAX, RCX, RDX}) require(!lends(homes, guest), "what instructions imply stays at home");
  for (const Loan& loan : homes.loans) {
    require(homes.of[loan.owner] == host_code::in_memory, "the owner lies in memory");
    require(homes.of[loan.borrower] == host_code::usual_homes[loan.owner], "the borrower has its home");
  }
  const Homes beside_stack = choose_homes(plan_of(uses_stack, true));
  require(!beside_stack.loans.empty(), "other homes are lent beside a stack");
  for (const u8 guest : {RSP, RBP, RBX}) require(!lends(beside_stack, guest), "not what PUSH and BH take for granted");
  require(choose_homes(plan_of(busy, false)).loans.empty(), "that is not worth it for one time through");
  return 0;
}
