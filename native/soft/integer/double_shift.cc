// SPDX-License-Identifier: BSD-2-Clause
// SHLD and SHRD.
#include "soft/integer/count.h"
#include "soft/integer/parts.h"
#include "soft/integer/shift_operations.h"

namespace tsbhyve::soft {

namespace {

/// A 16-bit operand shifted by more than 16 takes the second operand's bits again (undefined by the SDM; this is what
/// the hardware does). CF, and OF of SHLD, are those of the plain shift.
struct Leftward {
  template <class T>
  static T result(T old, T fill, u32 count) {
    if constexpr (sizeof(T) == 2) {
      const u64 joined = static_cast<u64>(old) << 32 | static_cast<u64>(fill) << 16 | fill;
      return static_cast<T>(joined << count >> 32);
    } else {
      return count == 0 ? old : static_cast<T>(old << count | fill >> (width_bits<T> - static_cast<int>(count)));
    }
  }
  template <class T>
  static u32 flags(T old, T, u32 count) {
    const bool carry = (static_cast<u64>(old) << (count - 1) >> (width_bits<T> - 1)) & 1;
    return operation::leftward_flags(static_cast<T>(static_cast<u64>(old) << count), carry);
  }
};

struct Rightward {
  template <class T>
  static T result(T old, T fill, u32 count) {
    if constexpr (sizeof(T) == 2) {
      const u64 joined = static_cast<u64>(fill) << 32 | static_cast<u64>(fill) << 16 | old;
      return static_cast<T>(joined >> count);
    } else {
      return count == 0 ? old : static_cast<T>(old >> count | fill << (width_bits<T> - static_cast<int>(count)));
    }
  }
  template <class T>
  static u32 flags(T old, T result, u32 count) {
    return operation::rightward_flags(result, (static_cast<u64>(old) >> (count - 1)) & 1);
  }
};

template <class Direction, class T, Count C, bool Flags>
struct DoubleShift {
  using Value = T;
  using Full = DoubleShift<Direction, T, C, true>;
  static T change(const Cpu* cpu, const Op* op, T old) {
    return Direction::template result<T>(old, read_gpr<T>(cpu, op->source), masked_count<T, C>(cpu, op));
  }
  static void finish(Cpu* cpu, const Op* op, T old, T result) {
    if constexpr (Flags) {
      const u32 count = masked_count<T, C>(cpu, op);
      if (count == 0) return;
      write_status_flags(cpu, Direction::template flags<T>(old, result, count) | operation::shift_flags(result));
    }
  }
};

template <class Direction>
Handler select(const Instruction& instruction, bool flags_live) {
  return by_wide_width(instruction.operands[0].size, [&]<class T>() {
    return by_count(instruction.operands[2], [&]<Count C>() {
      return by_flag(flags_live, [&]<bool Flags>() {
        return update_destination<DoubleShift<Direction, T, C, Flags>>(instruction);
      });
    });
  });
}

}  // namespace

void add_double_shift(HandlerTable& table) {
  table.set(Opcode::Shld, select<Leftward>);
  table.set(Opcode::Shrd, select<Rightward>);
}

}  // namespace tsbhyve::soft
