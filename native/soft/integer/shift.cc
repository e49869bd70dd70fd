// SPDX-License-Identifier: BSD-2-Clause
// SHL, SHR, SAR, ROL, ROR, RCL and RCR.
#include "soft/families.h"
#include "soft/integer/count.h"
#include "soft/integer/parts.h"
#include "soft/integer/shift_operations.h"

namespace tsbhyve::soft {

namespace {

/// A count of zero leaves all flags (SDM vol. 2, SAL/SAR/SHL/SHR).
template <class Operation, class T, Count C, bool Flags>
struct Shift {
  using Value = T;
  using Full = Shift<Operation, T, C, true>;
  static T change(const Cpu* cpu, const Op* op, T old) {
    return Operation::template result<T>(cpu, old, masked_count<T, C>(cpu, op));
  }
  static void finish(Cpu* cpu, const Op* op, T old, T result) {
    if constexpr (Flags) {
      const u32 count = masked_count<T, C>(cpu, op);
      if (count == 0) return;
      const u32 flags = Operation::template flags<T>(cpu, old, result, count);
      if constexpr (Operation::written == status_flags)
        write_status_flags(cpu, flags);
      else
        change_status_flags(cpu, Operation::written, flags);
    }
  }
};

template <class Operation>
Handler select(const Instruction& instruction, bool flags_live) {
  return by_width(instruction.operands[0].size, [&]<class T>() {
    return by_count(instruction.operands[1], [&]<Count C>() {
      return by_flag(flags_live,
                     [&]<bool Flags>() { return update_destination<Shift<Operation, T, C, Flags>>(instruction); });
    });
  });
}

}  // namespace

void add_shift(HandlerTable& table) {
  table.set(Opcode::Shl, select<operation::Shl>);
  table.set(Opcode::Shr, select<operation::Shr>);
  table.set(Opcode::Sar, select<operation::Sar>);
  table.set(Opcode::Rol, select<operation::Rol>);
  table.set(Opcode::Ror, select<operation::Ror>);
  table.set(Opcode::Rcl, select<operation::Rcl>);
  table.set(Opcode::Rcr, select<operation::Rcr>);
  add_double_shift(table);
}

}  // namespace tsbhyve::soft
