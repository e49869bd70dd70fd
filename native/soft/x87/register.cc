// SPDX-License-Identifier: BSD-2-Clause
// FXCH, FCMOVcc, FCHS, FABS, and what only moves the top or the tags.
#include "soft/flags.h"
#include "soft/x87/access.h"
#include "soft/x87/groups.h"

namespace tsbhyve::soft::x87 {

namespace {

constexpr u16 sign_bit = 0x8000;

void fill_empty(FpuState& fpu, u32 i) {
  if (is_empty(fpu, i)) set(fpu, i, indefinite());
}

void fxch(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  record_instruction(cpu, op);
  FpuState& fpu = cpu->fpu;
  const u32 i = op->destination;
  if (is_empty(fpu, 0) || is_empty(fpu, i)) {
    if (!stack_fault(fpu, StackFault::underflow)) return;
    fill_empty(fpu, 0);
    fill_empty(fpu, i);
  } else {
    set_codes(fpu, code_c1, 0);
  }
  const fp::Float80 old_top = get(fpu, 0);
  set(fpu, 0, get(fpu, i));
  set(fpu, i, old_top);
}

/// `condition` by the numbers of condition_holds: B, E, BE and U are 2, 4, 6 and 10.
template <u8 condition>
void fcmov(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  record_instruction(cpu, op);
  FpuState& fpu = cpu->fpu;
  if (is_empty(fpu, 0) || is_empty(fpu, op->source)) {
    if (stack_fault(fpu, StackFault::underflow)) set(fpu, 0, indefinite());
    return;
  }
  if (condition_holds<condition>(cpu)) set(fpu, 0, get(fpu, op->source));
}

enum class SignChange : u8 { Flip, Clear };

template <SignChange change>
void change_sign(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  record_instruction(cpu, op);
  FpuState& fpu = cpu->fpu;
  if (is_empty(fpu, 0)) {
    if (stack_fault(fpu, StackFault::underflow)) set(fpu, 0, indefinite());
    return;
  }
  set_codes(fpu, code_c1, 0);
  fp::Float80 value = get(fpu, 0);
  const u32 bits = value.sign_exponent;
  value.sign_exponent = static_cast<u16>(change == SignChange::Flip ? bits ^ sign_bit : bits & ~u32{sign_bit});
  set(fpu, 0, value);
}

/// FINCSTP and FDECSTP leave tags and contents alone.
template <u32 distance>
void turn_stack(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  record_instruction(cpu, op);
  set_codes(cpu->fpu, code_c1, 0);
  set_top(cpu->fpu, top(cpu->fpu) + distance);
}

template <bool pops>
void free_register(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  record_instruction(cpu, op);
  set_codes(cpu->fpu, code_c1, 0);  // undefined by the SDM; hardware clears it
  mark_empty(cpu->fpu, op->destination);
  if (pops) pop(cpu->fpu);
}

void fnop(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  record_instruction(cpu, op);
}

}  // namespace

void add_register(HandlerTable& table) {
  table.set(Opcode::Fxch, always<fxch>);
  table.set(Opcode::Fcmovb, always<fcmov<2>>);
  table.set(Opcode::Fcmovnb, always<fcmov<3>>);
  table.set(Opcode::Fcmove, always<fcmov<4>>);
  table.set(Opcode::Fcmovne, always<fcmov<5>>);
  table.set(Opcode::Fcmovbe, always<fcmov<6>>);
  table.set(Opcode::Fcmovnbe, always<fcmov<7>>);
  table.set(Opcode::Fcmovu, always<fcmov<10>>);
  table.set(Opcode::Fcmovnu, always<fcmov<11>>);
  table.set(Opcode::Fchs, always<change_sign<SignChange::Flip>>);
  table.set(Opcode::Fabs, always<change_sign<SignChange::Clear>>);
  table.set(Opcode::Fincstp, always<turn_stack<1>>);
  table.set(Opcode::Fdecstp, always<turn_stack<7>>);
  table.set(Opcode::Ffree, always<free_register<false>>);
  table.set(Opcode::Ffreep, always<free_register<true>>);
  table.set(Opcode::Fnop, always<fnop>);
}

}  // namespace tsbhyve::soft::x87
