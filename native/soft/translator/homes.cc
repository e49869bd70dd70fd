// SPDX-License-Identifier: BSD-2-Clause
#include "soft/translator/homes.h"

#include <algorithm>

namespace tsbhyve::soft {

namespace {

using Uses = std::array<u64, 16>;

/// What a loan costs, on the way in and out together: four moves, of which two wait for what has just been stored. A
/// region with a loop is taken to go round several times.
constexpr u64 price_of_loan = 16, price_in_loop = 4;

/// What memory costs more than a register, roughly: who changes a value there reads it and writes it back.
void add_uses(Uses& uses, const Instruction& instruction, u64 runs) {
  for (size_t i = 0; i < std::size(instruction.operands); i++) {
    const Operand& operand = instruction.operands[i];
    if (is_general(operand)) uses[operand.reg] += runs * (i == 0 ? 2 : 1);
    if (operand.kind != OperandKind::Memory) continue;
    for (const u8 part : {instruction.memory.base, instruction.memory.index}) {
      if (part < uses.size()) uses[part] += runs;
    }
  }
}

bool moves_stack(Opcode opcode) {
  switch (opcode) {
    case Opcode::Push:
    case Opcode::Pop:
    case Opcode::Leave:
    case Opcode::Call:
    case Opcode::CallIndirect:
    case Opcode::Ret: return true;
    default: return false;
  }
}

/// Guest registers, by bits, whose homes this instruction takes for granted.
u32 wanted_at_home(const Instruction& instruction) {
  u32 wanted = moves_stack(instruction.opcode) ? 1u << RSP | 1u << RBP : 0;
  for (const Operand& operand : instruction.operands) {
    if (operand.kind == OperandKind::GprHigh) wanted |= 1u << operand.reg;
  }
  return wanted;
}

bool has_loop(const Plan& plan) {
  for (size_t i = 0; i < plan.size(); i++) {
    for (const int to : {plan[i].taken, plan[i].next}) {
      if (to != outside && static_cast<size_t>(to) <= i) return true;
    }
  }
  return false;
}

}  // namespace

Homes choose_homes(const Plan& plan) {
  Uses uses{};
  // Products, quotients, shifts and exchanges imply these.
  u32 kept = 1u << RAX | 1u << RCX | 1u << RDX;
  for (const PlannedBlock& planned : plan) {
    for (const Instruction& instruction : planned.instructions) {
      add_uses(uses, instruction, planned.runs);
      kept |= wanted_at_home(instruction);
    }
  }
  Homes homes;
  std::vector<u8> owners, borrowers;
  for (u8 guest = 0; guest < homes.of.size(); guest++) {
    if (homes.of[guest] == host_code::in_memory)
      borrowers.push_back(guest);
    else if (!(kept >> guest & 1))
      owners.push_back(guest);
  }
  std::ranges::stable_sort(owners, {}, [&](u8 guest) { return uses[guest]; });
  std::ranges::stable_sort(borrowers, std::greater{}, [&](u8 guest) { return uses[guest]; });
  const u64 price = plan[0].runs * (has_loop(plan) ? price_in_loop : price_of_loan);
  for (size_t i = 0; i < std::min(owners.size(), borrowers.size()); i++) {
    const u8 owner = owners[i], borrower = borrowers[i];
    if (uses[borrower] <= uses[owner] + price) break;
    std::swap(homes.of[owner], homes.of[borrower]);
    homes.loans.push_back({owner, borrower});
  }
  return homes;
}

}  // namespace tsbhyve::soft
