// SPDX-License-Identifier: BSD-2-Clause
// CALL, RET and indirect jumps.
#include "soft/translator/families.h"

namespace tsbhyve::soft {

using namespace host_code;

namespace {

void push_return_address(Emitter& e) {
  e.clobber();
  e.a.lea(t0, x86::ptr(e.home(RSP), -8));
  e.store(8, SS, [&e] {
    e.return_address(t1);
    return t1;
  });
}

bool call_direct(Emitter& e) {
  push_return_address(e);
  e.a.lea(e.home(RSP), x86::ptr(e.home(RSP), -8));
  e.moved(RSP, -8);
  e.call_direct();
  return true;
}

/// t0 = target.
bool target(Emitter& e) {
  const Operand& operand = e.instruction->operands[0];
  if (operand.size != 8) return false;
  if (operand.kind != OperandKind::Memory) {
    e.clobber();
    e.a.mov(t0, e.value_of(operand.reg, 8, t0));
    return true;
  }
  if (!e.can_address()) return false;
  e.load_operand(8);
  return true;
}

bool jump(Emitter& e) {
  if (!target(e)) return false;
  e.jump_indirect(nullptr);
  return true;
}

/// The target comes first: what is pushed may lie where it was read from.
bool call(Emitter& e) {
  if (!target(e)) return false;
  // An address that is not canonical faults before anything is pushed.
  const asmjit::Label refused = e.a.newLabel();
  e.a.mov(t1, t0);
  e.a.shl(t1, 16);
  e.a.sar(t1, 16);
  e.a.cmp(t1, t0);
  e.a.jne(refused);
  e.cold([&e, refused, state = e.now, block = e.block, op = e.op] {
    e.now = state, e.block = block, e.op = op;
    e.a.bind(refused);
    e.leave_to_operation();
  });
  e.a.mov(CPU_FIELD(translated.target), t0);
  push_return_address(e);
  e.a.mov(t0, CPU_FIELD(translated.target));
  e.a.lea(e.home(RSP), x86::ptr(e.home(RSP), -8));
  e.moved(RSP, -8);
  e.call_indirect();
  return true;
}

bool ret(Emitter& e) {
  e.clobber();
  e.a.mov(t0, e.home(RSP));
  e.load(8, SS);
  const auto dropped = static_cast<i32>(8 + e.instruction->immediate);
  if (dropped == 8)
    e.return_to_caller();
  else
    e.jump_indirect([&e, dropped] { e.a.lea(e.home(RSP), x86::ptr(e.home(RSP), dropped)); });
  return true;
}

/// In the kernel it is always allowed. It ends its block, but nothing becomes deliverable by it.
bool clear_interrupts(Emitter& e) {
  if (e.block->mode & mode_user) return false;
  const asmjit::Label refused = e.a.newLabel();
  e.clobber();
  e.a.cmp(field(offsetof(Cpu, cpl), 1), 0);
  e.a.jne(refused);
  e.cold([&e, refused, state = e.now, block = e.block, op = e.op] {
    e.now = state, e.block = block, e.op = op;
    e.a.bind(refused);
    e.leave_to_operation();
  });
  e.a.and_(CPU_FIELD(rflags), static_cast<i32>(~static_cast<u32>(rflags::IF)));
  e.follow(&e.block->branch.next, outside);
  return true;
}

}  // namespace

bool translate_branch(Emitter& e, const PlannedBlock&) {
  switch (e.instruction->opcode) {
    case Opcode::Cli: return clear_interrupts(e);
    case Opcode::Call: return call_direct(e);
    case Opcode::CallIndirect: return call(e);
    case Opcode::JmpIndirect: return jump(e);
    case Opcode::Ret: return ret(e);
    default: return false;
  }
}

}  // namespace tsbhyve::soft
