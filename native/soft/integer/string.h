// SPDX-License-Identifier: BSD-2-Clause
// What the string operations share: their addresses, one step of a pointer, and the driver of REP.
#pragma once

#include <algorithm>

#include "soft/device_access.h"
#include "soft/flags.h"
#include "soft/integer/counter.h"
#include "soft/integer/select.h"
#include "soft/leave.h"
#include "soft/run.h"

namespace tsbhyve::soft {

/// DS:RSI, whose segment may be overridden, and ES:RDI, whose may not.
inline u64 string_source(Cpu* cpu, const Op* op, u32 size) {
  return linear_in(cpu, op, op->segment, read_by_address_size(cpu, op, RSI), size, false);
}
inline u64 string_destination(Cpu* cpu, const Op* op, u32 size, bool is_write) {
  return linear_in(cpu, op, ES, read_by_address_size(cpu, op, RDI), size, is_write);
}

inline bool runs_backward(const Cpu* cpu) { return cpu->rflags & rflags::DF; }

/// Moves a pointer over `size` bytes in the direction of DF.
inline void step_pointer(Cpu* cpu, const Op* op, u8 reg, u64 size) {
  write_by_address_size(cpu, op, reg, runs_backward(cpu) ? cpu->gpr[reg] - size : cpu->gpr[reg] + size);
}

/// The operation once, without REP.
template <class Step>
void string_once(Cpu* cpu, const Op* op) {
  Step::one(cpu, op);
  NEXT(cpu, op);
}

/// Runs iterations until the count or the budget ends or the operation says so; returns whether the instruction is
/// complete. Everything is committed iteration by iteration. The block has paid for one instruction in advance;
/// in here the budget is one too high and tells the iterations still allowed, less one. So when an iteration faults,
/// the completed ones are paid for, and escape() gives back what was paid for the one that was not. Where traps or
/// answers of devices come between iterations it stops after each (SDM vol. 1, 7.3.9.2).
template <class Step>
[[gnu::noinline]] bool repeat(Cpu* cpu, const Op* op) {
  u64 count = read_counter(cpu, op);
  if (count == 0) return true;
  bool finished = false;
  // RF alone is no reason, and is clear by now.
  const bool stops = runs_alone(cpu) && needs_single(cpu);
  do {
    const u64 allowed = stops ? 1 : static_cast<u64>(cpu->budget) + 1;
    u64 done = Step::many(cpu, op, std::min(count, allowed));
    if (done == 0) {
      Step::one(cpu, op);
      done = 1;
    }
    count -= done;
    write_counter(cpu, op, count);
    cpu->budget -= static_cast<i64>(done);
    finished = count == 0 || Step::ends_repeat(cpu, op);
  } while (!finished && cpu->budget >= 0 && !stops);
  cpu->budget++;
  return finished;
}

/// An instruction that is not complete stays where it is, and goes on when the run loop comes back to it.
template <class Step>
void string_repeated(Cpu* cpu, const Op* op) {
  if (!repeat<Step>(cpu, op)) return leave_to(cpu, instruction_rip(cpu, op));
  NEXT(cpu, op);
}

template <template <class> class Step>
Handler select_string(const Instruction& instruction, bool) {
  return by_width(instruction.operand_size, [&]<class T>() -> Handler {
    return instruction.repeat == Repeat::None ? string_once<Step<T>> : string_repeated<Step<T>>;
  });
}

}  // namespace tsbhyve::soft
