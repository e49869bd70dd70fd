// SPDX-License-Identifier: BSD-2-Clause
// Direct near branches: JMP, Jcc, JCXZ, LOOPcc and CALL; NOP and PAUSE.
#include "soft/families.h"
#include "soft/flags.h"
#include "soft/integer/counter.h"
#include "soft/integer/parts.h"
#include "soft/integer/push_pop.h"
#include "soft/integer/select.h"
#include "soft/integer/target.h"
#include "soft/threads/threaded_cpu.h"

namespace tsbhyve::soft {

namespace {

/// pick.operator()<In64>()
template <class Pick>
Handler by_code(const Instruction& instruction, Pick pick) {
  return by_flag(instruction.code_size == CodeSize::Bits64, pick);
}

template <bool In64>
[[gnu::always_inline]] inline void take(Cpu* cpu, const Op* op) {
  check_branch<In64>(cpu, op);
  return follow_to(cpu, &op->branch->taken, branch_target<In64>(cpu, op));
}

template <bool In64>
void jump(Cpu* cpu, const Op* op) {
  return take<In64>(cpu, op);
}

template <u8 Condition, bool In64>
void jump_if(Cpu* cpu, const Op* op) {
  if (condition_holds<Condition>(cpu)) return take<In64>(cpu, op);
  return follow_next<In64>(cpu, op);
}

template <bool In64>
void jump_if_counter_zero(Cpu* cpu, const Op* op) {
  if (read_counter(cpu, op) == 0) return take<In64>(cpu, op);
  return follow_next<In64>(cpu, op);
}

/// LOOP, LOOPE, LOOPNE: counts down without touching flags, and a target out of reach faults before that.
enum class While : u8 { Always, Equal, NotEqual };

template <While W, bool In64>
void loop(Cpu* cpu, const Op* op) {
  const u64 count = cut_address(op, read_counter(cpu, op) - 1);
  const bool holds = W == While::Always || zero_flag(cpu) == (W == While::Equal);
  const bool taken = count != 0 && holds;
  if (taken) check_branch<In64>(cpu, op);
  write_counter(cpu, op, count);
  if (taken) return follow_to(cpu, &op->branch->taken, branch_target<In64>(cpu, op));
  return follow_next<In64>(cpu, op);
}

template <class T, bool In64>
[[gnu::noinline]] void call_general(Cpu* cpu, const Op* op) {
  check_branch<In64>(cpu, op);
  push_value<T>(cpu, op, static_cast<T>(next_rip(cpu, op)));
  return follow_to(cpu, &op->branch->taken, branch_target<In64>(cpu, op));
}

void call_flat(Cpu* cpu, const Op* op) {
  const u64 sp = cpu->gpr[RSP] - sizeof(u64);
  u8* host = fast_write_pointer<u64>(cpu, sp);
  if (!host) [[unlikely]]
    return call_general<u64, true>(cpu, op);
  poke<u64>(host, cpu->gpr[17] + op->offset + op->length);
  cpu->gpr[RSP] = sp;
  return follow(cpu, &op->branch->taken);
}

void nop(Cpu* cpu, const Op* op) { NEXT(cpu, op); }

/// A spinning processor lets the run loop see to the others.
void pause(Cpu* cpu, const Op* op) {
  if (cpu->takes_turns) cpu->yielded = cpu->deadline_changed = true;
  if (cpu->threaded) cpu->threaded->pause();
  end_block(cpu, op);
}

Handler select_jump(const Instruction& instruction, bool) {
  return by_code(instruction, []<bool In64>() -> Handler { return jump<In64>; });
}

Handler select_jcc(const Instruction& instruction, bool) {
  return by_condition(instruction.condition, [&]<u8 Condition>() {
    return by_code(instruction, []<bool In64>() -> Handler { return jump_if<Condition, In64>; });
  });
}

Handler select_jcxz(const Instruction& instruction, bool) {
  return by_code(instruction, []<bool In64>() -> Handler { return jump_if_counter_zero<In64>; });
}

template <While W>
Handler select_loop(const Instruction& instruction, bool) {
  return by_code(instruction, []<bool In64>() -> Handler { return loop<W, In64>; });
}

Handler select_call(const Instruction& instruction, bool) {
  if (instruction.code_size == CodeSize::Bits64) return call_flat;
  return instruction.operand_size == 2 ? call_general<u16, false> : call_general<u32, false>;
}

}  // namespace

void add_branch(HandlerTable& table) {
  table.set(Opcode::Jmp, select_jump);
  table.set(Opcode::Jcc, select_jcc);
  table.set(Opcode::Jcxz, select_jcxz);
  table.set(Opcode::Loop, select_loop<While::Always>);
  table.set(Opcode::Loope, select_loop<While::Equal>);
  table.set(Opcode::Loopne, select_loop<While::NotEqual>);
  table.set(Opcode::Call, select_call);
  table.set(Opcode::Nop, always<nop>);
  table.set(Opcode::Pause, always<pause>);
  add_indirect(table);
}

}  // namespace tsbhyve::soft
