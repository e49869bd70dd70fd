// SPDX-License-Identifier: BSD-2-Clause
// What x87 handlers share: the checks before an instruction, the instruction and data pointers, memory operands.
//
// Each instruction is a plain function of (Cpu*, const Op*). `run` wraps it into a handler and keeps it out of line, so
// that its locals do not stop the tail call to the next handler.
#pragma once

#include "soft/address.h"
#include "soft/leave.h"
#include "soft/memory.h"
#include "soft/x87/state.h"

namespace tsbhyve::soft::x87 {

using Work = void (*)(Cpu* cpu, const Op* op);

template <Work work>
[[gnu::noinline]] void isolated(Cpu* cpu, const Op* op) {
  work(cpu, op);
}

template <Work work>
void run(Cpu* cpu, const Op* op) {
  isolated<work>(cpu, op);
  NEXT(cpu, op);
}

/// A Select for instructions of one form.
template <Work work>
Handler always(const Instruction&, bool) {
  return run<work>;
}

/// #NM for every x87 instruction but FWAIT (SDM volume 3, table 2-2).
void require_unit(Cpu* cpu, const Op* op);

/// Also #MF when an unmasked exception is pending: for waiting instructions. With CR0.NE clear it would go out as
/// FERR#; no such pin is wired here, and the instruction runs as with IGNNE# asserted (SDM volume 1, 8.7.2).
void require_ready(Cpu* cpu, const Op* op);
void raise_pending(Cpu* cpu, const Op* op);

/// Records FIP, FCS and FOP; of a memory operand also FDP and FDS. For all but control instructions (SDM volume
/// 1, 8.1.8), once nothing can fault any more. Op::immediate holds the eleven opcode bits.
void record_instruction(Cpu* cpu, const Op* op);
void record_operand(Cpu* cpu, const Op* op);

/// Linear address of the memory operand.
u64 operand_address(Cpu* cpu, const Op* op, u32 size, bool is_write);

/// Linear address `distance` bytes on.
inline u64 advanced(const Cpu* cpu, u64 lin, u64 distance) {
  return long_mode(cpu) ? lin + distance : (lin + distance) & 0xffffffff;
}

template <class T>
T load_operand(Cpu* cpu, const Op* op) {
  return load<T>(cpu, op, operand_address(cpu, op, sizeof(T), false));
}

template <class T>
void store_operand(Cpu* cpu, const Op* op, T value) {
  store<T>(cpu, op, operand_address(cpu, op, sizeof(T), true), value);
}

/// Ten bytes: FLD/FSTP m80, FBLD, FBSTP.
fp::Float80 load80(Cpu* cpu, const Op* op, u64 lin);
void store80(Cpu* cpu, const Op* op, u64 lin, const fp::Float80& value);

}  // namespace tsbhyve::soft::x87
