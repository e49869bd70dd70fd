// SPDX-License-Identifier: BSD-2-Clause
// PUSH, POP and LEAVE of 64 bits, and rows of PUSH or POP as functions begin and end with.
#include <algorithm>
#include <span>

#include "soft/translator/families.h"

namespace tsbhyve::soft {

using namespace host_code;

namespace {

void move_stack(Emitter& e, i32 by) {
  e.a.lea(e.home(RSP), x86::ptr(e.home(RSP), by));
  e.moved(RSP, by);
}

bool push(Emitter& e) {
  const Operand& from = e.instruction->operands[0];
  if (is_memory(from)) {
    if (!e.can_address()) return false;
    e.load_operand(8);
    e.a.mov(CPU_FIELD(translated.target), t0);
  }
  e.clobber();
  e.a.lea(t0, x86::ptr(e.home(RSP), -8));
  e.store(8, SS, [&e, from]() -> asmjit::Operand {
    if (is_immediate(from)) return e.source_of(from);
    if (!is_memory(from)) return e.value_of(from.reg, 8, t1);
    e.a.mov(t1, CPU_FIELD(translated.target));
    return t1;
  });
  move_stack(e, -8);
  return true;
}

/// POP RSP: the popped value wins.
bool pop(Emitter& e) {
  const Operand& to = e.instruction->operands[0];
  if (is_memory(to) || to.reg == RSP) return false;
  if (e.live_after) e.overwrite(to.reg);
  e.clobber();
  e.a.mov(t0, e.home(RSP));
  if (e.has_home(to.reg)) {
    const Gp into = e.home(to.reg);
    e.load(8, SS, &into);
  } else {
    e.load(8, SS);
    e.a.mov(slot(to.reg), t0);
  }
  move_stack(e, 8);
  return true;
}

bool leave(Emitter& e) {
  if (e.live_after) {
    e.overwrite(RBP);
    e.overwrite(RSP);
  }
  e.clobber();
  e.a.mov(t0, e.home(RBP));
  e.load(8, SS);
  e.a.lea(e.home(RSP), x86::ptr(e.home(RBP), 8));
  e.a.mov(e.home(RBP), t0);
  return true;
}

bool belongs_to_row(const Instruction& instruction, Opcode opcode) {
  const Operand& operand = instruction.operands[0];
  return instruction.opcode == opcode && instruction.operand_size == 8 && is_register(operand) && operand.reg != RSP;
}

}  // namespace

u32 translate_row(Emitter& e, const PlannedBlock& planned) {
  const Opcode opcode = e.instruction->opcode;
  const bool pushes = opcode == Opcode::Push;
  if (!pushes && opcode != Opcode::Pop) return 0;
  const auto rest = std::span(planned.instructions).subspan(e.position);
  const u32 length = static_cast<u32>(
      std::ranges::find_if_not(
          rest, [opcode](const Instruction& instruction) { return belongs_to_row(instruction, opcode); }) -
      rest.begin());
  if (length < 2) return 0;
  const i32 bytes = static_cast<i32>(8 * length);
  if (!pushes) {
    for (u32 i = 0; i < length; i++) {
      if (planned.live_after[e.position + i]) e.overwrite(rest[i].operands[0].reg);
    }
  }
  e.clobber();
  e.begin_direct();
  e.a.lea(t0, x86::ptr(e.home(RSP), pushes ? -bytes : 0));
  const Mem at = e.direct(8 * length, pushes, false);
  std::vector<const Site*> sites;
  for (u32 i = 0; i < length; i++) {
    e.instruction = &rest[i];
    e.op = &e.block->ops()[e.position + i];
    sites.push_back(e.operation_site());
    e.moved(RSP, pushes ? -8 : 8);
    const u8 guest = rest[i].operands[0].reg;
    Mem where = at.cloneAdjusted(8 * (pushes ? length - 1 - i : i));
    where.setSize(8);
    if (pushes) {
      e.a.mov(where, e.value_of(guest, 8, t1));
    } else if (e.has_home(guest)) {
      e.a.mov(e.home(guest), where);
    } else {
      e.a.mov(t1, where);
      e.a.mov(slot(guest), t1);
    }
  }
  e.a.lea(e.home(RSP), x86::ptr(e.home(RSP), pushes ? -bytes : bytes));
  e.finish_row(std::move(sites));
  return length;
}

bool translate_stack(Emitter& e) {
  if (e.instruction->operand_size != 8) return false;
  switch (e.instruction->opcode) {
    case Opcode::Push: return push(e);
    case Opcode::Pop: return pop(e);
    default: return leave(e);
  }
}

}  // namespace tsbhyve::soft
