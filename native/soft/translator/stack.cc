// SPDX-License-Identifier: BSD-2-Clause
// PUSH, POP and LEAVE of 64 bits.
#include "soft/translator/families.h"

namespace tsbhyve::soft {

using namespace host_code;

namespace {

void move_stack(Emitter& e, i32 by) {
  e.a.lea(home(RSP), x86::ptr(home(RSP), by));
  e.moved(RSP, by);
}

bool push(Emitter& e) {
  const Operand& from = e.instruction->operands[0];
  if (is_memory(from)) return false;
  e.clobber();
  e.a.lea(t0, x86::ptr(home(RSP), -8));
  e.store(8, SS, [&e, from]() -> asmjit::Operand {
    if (is_immediate(from)) return e.source_of(from);
    return e.value_of(from.reg, 8, t2);
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
  e.a.mov(t0, home(RSP));
  if (has_home(to.reg)) {
    const Gp into = home(to.reg);
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
  e.a.mov(t0, home(RBP));
  e.load(8, SS);
  e.a.lea(home(RSP), x86::ptr(home(RBP), 8));
  e.a.mov(home(RBP), t0);
  return true;
}

}  // namespace

bool translate_stack(Emitter& e) {
  if (e.instruction->operand_size != 8) return false;
  switch (e.instruction->opcode) {
    case Opcode::Push: return push(e);
    case Opcode::Pop: return pop(e);
    default: return leave(e);
  }
}

}  // namespace tsbhyve::soft
