// SPDX-License-Identifier: BSD-2-Clause
#include "soft/run.h"

#include "soft/attend.h"
#include "soft/block_cache.h"
#include "soft/events.h"
#include "soft/leave.h"
#include "soft/memory/debug_watch.h"
#include "soft/system/system.h"

namespace tsbhyve::soft {

void escape(Cpu* cpu, Escape reason) { std::longjmp(cpu->escape_point, static_cast<int>(reason)); }

void raise(Cpu* cpu, const Op* op, u8 vector) {
  cpu->current_op = op;
  cpu->fault = {vector, false, 0};
  escape(cpu, Escape::Fault);
}

void raise(Cpu* cpu, const Op* op, u8 vector, u32 error) {
  cpu->current_op = op;
  cpu->fault = {vector, true, error};
  escape(cpu, Escape::Fault);
}

namespace {

/// Brings cpu->rip and the instruction count back to the instruction that escaped.
void rewind(Cpu* cpu) {
  if (!cpu->current_op) return;
  cpu->rip = instruction_rip(cpu, cpu->current_op);
  cpu->budget += cpu->block->count - cpu->current_op->position;
  cpu->current_op = nullptr;
}

void run_handlers(Cpu* cpu, Block* block) {
  cpu->budget -= block->count;
  cpu->gpr[17] = cpu->rip;
  cpu->block = block;
  if constexpr (threaded_dispatch) {
    block->ops()->handler(cpu, block->ops());
  } else {
    cpu->next_op = block->ops();
    while (const Op* op = cpu->next_op) {
      cpu->next_op = nullptr;
      op->handler(cpu, op);
    }
  }
  cpu->current_op = nullptr;
}

/// The shadow of STI: nothing can come between it and the next instruction but what escapes from that.
void lift_shadow(Cpu* cpu) {
  cpu->interrupt_shadow = false;
  cpu->shadow_lifted_at = retired_between_blocks(cpu);
}

/// The instruction in the shadow has not been done after all.
void restore_shadow(Cpu* cpu) {
  if (cpu->shadow_lifted_at != retired_between_blocks(cpu)) return;
  cpu->interrupt_shadow = true;
  cpu->shadow_lifted_at = never_lifted;
}

/// One instruction alone in its block, with everything that may happen around it (SDM vol. 3, 6.9 and 17.3).
void run_single(Cpu* cpu) {
  const u64 rip = cpu->rip;
  const bool behind_load_of_ss = cpu->debug_shadow, trap_flag = cpu->rflags & rflags::TF;
  if (any_breakpoint(cpu) && !(cpu->rflags & rflags::RF) && cpu->answered_count == 0) check_instruction_breakpoint(cpu);
  Block* block = fetch_block(cpu, true);
  if (cpu->interrupt_shadow && !behind_load_of_ss) lift_shadow(cpu);
  cpu->resume_flag = cpu->rflags & rflags::RF;
  cpu->rflags &= ~rflags::RF;  // holds for one instruction; faults push it set again
  FastEntry* const fast = cpu->fast;
  if (any_breakpoint(cpu)) cpu->fast = cpu->never_fast;
  cpu->mode |= mode_single;
  run_handlers(cpu, block);
  cpu->mode &= ~mode_single;
  if (cpu->fast == cpu->never_fast) cpu->fast = fast;
  if (behind_load_of_ss) cpu->interrupt_shadow = cpu->debug_shadow = false;
  if (trap_flag && traps_after(cpu, block)) cpu->pending_debug |= dr6_single_step;
  // All iterations of a REP string operation are one instruction to its breakpoint (SDM vol. 3, 17.3.1.1).
  // A trap between two of them pushes RF set for the same reason.
  const bool between_iterations = block->repeats && cpu->rip == rip;
  if (between_iterations && (cpu->resume_flag || cpu->pending_debug)) cpu->rflags |= rflags::RF;
  cpu->resume_flag = false;
  cpu->answered_count = cpu->answered_used = 0;
}

/// The instruction will run again from its start.
void prepare_rerun(Cpu* cpu, Escape reason, bool between_instructions) {
  if (cpu->resume_flag) cpu->rflags |= rflags::RF;
  // The delivery of an event cannot run again: a stack or descriptor table that the device model answers for ends in
  // shutdown, as it does for exceptions (deliver_fault).
  if (reason == Escape::Exit && between_instructions && cpu->access.kind == AccessKind::Memory) {
    cpu->run_state = RunState::Shutdown;
  }
}

void after_escape(Cpu* cpu, Escape reason) {
  const bool between_instructions = cpu->current_op == nullptr;
  cpu->mode &= ~mode_single;
  cpu->link = nullptr;
  cpu->next_op = nullptr;
  cpu->translated.region = nullptr;
  if (cpu->fast == cpu->never_fast) update_mode(cpu);
  rewind(cpu);
  restore_shadow(cpu);
  // Data breakpoints that an unfinished instruction has met do not trap; those before a load of SS still wait.
  if (!between_instructions && !cpu->debug_shadow) cpu->pending_debug = 0;
  if (reason != Escape::Fault) {
    prepare_rerun(cpu, reason, between_instructions);
  } else {
    cpu->answered_count = cpu->answered_used = 0;
    deliver_fault(cpu);
    cpu->budget--;  // counts like an instruction: a guest that does nothing but fault spends time too, and run() ends
  }
  cpu->resume_flag = false;
}

bool waits_for_device(const Cpu* cpu, Escape reason) {
  return reason == Escape::Exit && cpu->run_state != RunState::Shutdown;
}

}  // namespace

bool needs_single(const Cpu* cpu) {
  const bool is_shadowed = cpu->interrupt_shadow && (cpu->debug_shadow || events_wait(cpu));
  return is_shadowed || cpu->answered_count > 0 || any_breakpoint(cpu) || (cpu->rflags & (rflags::TF | rflags::RF));
}

Stop execute(Cpu* cpu) {
  volatile bool single = false;  // survives longjmp
  if (const int reason = setjmp(cpu->escape_point)) {
    after_escape(cpu, static_cast<Escape>(reason));
    if (waits_for_device(cpu, static_cast<Escape>(reason))) return Stop::Device;
    if (static_cast<Escape>(reason) == Escape::Alone) return Stop::Alone;
    single = static_cast<Escape>(reason) == Escape::Single;
  }
  for (;;) {
    restore_shadow(cpu);
    if (must_attend(cpu)) attend(cpu);
    if (!single && cpu->budget >= 0 && events_wait(cpu)) {
      if (take_events(cpu)) continue;
    }
    if (cpu->run_state != RunState::Running)
      return cpu->run_state == RunState::Shutdown ? Stop::Shutdown : Stop::Halted;
    if (cpu->deadline_changed) {
      cpu->deadline_changed = false;
      return Stop::Deadline;
    }
    if (cpu->budget <= 0) return Stop::Budget;
    if (single || needs_single(cpu)) {
      cpu->answered_used = 0;
      cpu->link = nullptr;
      run_single(cpu);
      single = false;
      continue;
    }
    Block* block = fetch_block(cpu, false);
    if (block->count > cpu->budget) {
      cpu->link = nullptr;
      run_single(cpu);
      continue;
    }
    if (cpu->interrupt_shadow) lift_shadow(cpu);
    run_handlers(cpu, block);
  }
}

Stop finish_instruction(Cpu* cpu) {
  if (cpu->answered_count == 0) return Stop::Budget;
  if (const int reason = setjmp(cpu->escape_point)) {
    after_escape(cpu, static_cast<Escape>(reason));
    return waits_for_device(cpu, static_cast<Escape>(reason)) ? Stop::Device : Stop::Budget;
  }
  cpu->answered_used = 0;
  if (events_wait(cpu))
    take_events(cpu);
  else
    run_single(cpu);
  return Stop::Budget;
}

void answer_access(Cpu* cpu, u64 value, bool refused) {
  DeviceAccess& answer = cpu->answered[cpu->answered_count++];
  answer = cpu->access;
  if (!answer.is_write) answer.value = value;
  answer.refused = refused;
}

}  // namespace tsbhyve::soft
