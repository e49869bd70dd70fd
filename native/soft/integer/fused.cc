// SPDX-License-Identifier: BSD-2-Clause
// CMP or TEST with the Jcc behind it as one handler. The condition comes straight from the operands; the lazy flags are
// set too, for they live on. Only in 64-bit code, where a taken branch needs no check.
#include "soft/families.h"
#include "soft/integer/operations.h"
#include "soft/integer/wide.h"
#include "soft/leave.h"

namespace tsbhyve::soft {

namespace {

/// Conditions by their encoding, less the lowest bit, which inverts (SDM vol. 2, appendix B.1.4.7).
enum Condition : u8 { Below = 1, Equal = 2, BelowOrEqual = 3, Negative = 4, Less = 6, LessOrEqual = 7 };

struct CompareOperands {
  using Operation = operation::Cmp;
  template <class T, u8 Kind>
  static bool holds(T left, T right) {
    using S = Signed<T>;
    if constexpr (Kind == Below)
      return left < right;
    else if constexpr (Kind == Equal)
      return left == right;
    else if constexpr (Kind == BelowOrEqual)
      return left <= right;
    else if constexpr (Kind == Negative)
      return static_cast<S>(left - right) < 0;
    else if constexpr (Kind == Less)
      return static_cast<S>(left) < static_cast<S>(right);
    else
      return static_cast<S>(left) <= static_cast<S>(right);
  }
};

/// TEST clears CF and OF.
struct TestOperands {
  using Operation = operation::Test;
  template <class T, u8 Kind>
  static bool holds(T left, T right) {
    const auto result = static_cast<Signed<T>>(left & right);
    if constexpr (Kind == Below)
      return false;
    else if constexpr (Kind == Equal || Kind == BelowOrEqual)
      return result == 0;
    else if constexpr (Kind == Negative || Kind == Less)
      return result < 0;
    else
      return result <= 0;
  }
};

template <class Pair, class T, u8 Encoding>
[[gnu::always_inline]] inline void compare_and_branch(Cpu* cpu, const Op* op, T left, T right) {
  using Operation = typename Pair::Operation;
  Operation::template flags<T>(cpu, Operation::template result<T>(cpu, left, right), left, right);
  if (Pair::template holds<T, (Encoding >> 1)>(left, right) != ((Encoding & 1) != 0)) {
    return follow(cpu, &op[1].branch->taken);
  }
  return follow(cpu, &op[1].branch->next);
}

template <class Pair, class T, u8 Encoding, Right R>
void register_first(Cpu* cpu, const Op* op) {
  const T left = read_gpr<T>(cpu, op->destination);
  return compare_and_branch<Pair, T, Encoding>(cpu, op, left, right_operand<T, R>(cpu, op));
}

/// Where the fast table does not serve the operand, the plain handlers of both instructions do.
template <class Pair, class T, u8 Encoding, Right R, Place P>
void memory_first(Cpu* cpu, const Op* op) {
  const u8* host = fast_read_pointer<T>(cpu, flat_address<P>(cpu, op));
  if (!host) [[unlikely]] {
    return from_memory<operation::Examine<typename Pair::Operation, T, R, true>, Place::General>(cpu, op);
  }
  return compare_and_branch<Pair, T, Encoding>(cpu, op, peek<T>(host), right_operand<T, R>(cpu, op));
}

template <class T>
struct CompareWithMemory {
  using Value = T;
  using Full = CompareWithMemory;
  static void run(Cpu* cpu, const Op* op, T right) {
    const T left = read_gpr<T>(cpu, op->destination);
    set_lazy<T>(cpu, FlagKind::Sub, static_cast<T>(left - right), left, right);
  }
};

template <class T, u8 Encoding, Place P>
void memory_second(Cpu* cpu, const Op* op) {
  const u8* host = fast_read_pointer<T>(cpu, flat_address<P>(cpu, op));
  if (!host) [[unlikely]]
    return from_memory<CompareWithMemory<T>, Place::General>(cpu, op);
  return compare_and_branch<CompareOperands, T, Encoding>(cpu, op, read_gpr<T>(cpu, op->destination), peek<T>(host));
}

template <class Pair, class T, u8 Encoding, Right R>
Handler pick_memory_first(const Instruction& compare) {
  switch (place_of(compare)) {
    case Place::Base: return memory_first<Pair, T, Encoding, R, Place::Base>;
    case Place::Indexed: return memory_first<Pair, T, Encoding, R, Place::Indexed>;
    default: return nullptr;
  }
}

template <class T, u8 Encoding>
Handler pick_memory_second(const Instruction& compare) {
  switch (place_of(compare)) {
    case Place::Base: return memory_second<T, Encoding, Place::Base>;
    case Place::Indexed: return memory_second<T, Encoding, Place::Indexed>;
    default: return nullptr;
  }
}

template <class Pair, class T, u8 Encoding>
Handler pick_form(const Instruction& compare) {
  if constexpr (std::is_same_v<Pair, CompareOperands>) {
    if (is_memory(compare.operands[1])) return pick_memory_second<T, Encoding>(compare);
  }
  return by_right(compare, [&]<Right R>() -> Handler {
    if (is_memory(compare.operands[0])) return pick_memory_first<Pair, T, Encoding, R>(compare);
    return register_first<Pair, T, Encoding, R>;
  });
}

/// Pairs that compilers emit. After TEST, CF-based conditions say no more than others do.
template <class Pair, class T>
Handler pick_condition(const Instruction& compare, u8 condition) {
  const auto with = [&]<u8 Kind>() -> Handler {
    return condition & 1 ? pick_form<Pair, T, Kind * 2 + 1>(compare) : pick_form<Pair, T, Kind * 2>(compare);
  };
  switch (condition >> 1) {
    case Equal: return with.template operator()<Equal>();
    case Negative: return with.template operator()<Negative>();
    case LessOrEqual: return with.template operator()<LessOrEqual>();
    default: break;
  }
  if constexpr (std::is_same_v<Pair, CompareOperands>) {
    switch (condition >> 1) {
      case Below: return with.template operator()<Below>();
      case BelowOrEqual: return with.template operator()<BelowOrEqual>();
      case Less: return with.template operator()<Less>();
      default: break;
    }
  }
  return nullptr;
}

}  // namespace

Handler fused_compare_branch(const Instruction& compare, const Instruction& branch) {
  if (branch.opcode != Opcode::Jcc || branch.code_size != CodeSize::Bits64) return nullptr;
  return by_width(compare.operands[0].size, [&]<class T>() -> Handler {
    switch (compare.opcode) {
      case Opcode::Cmp: return pick_condition<CompareOperands, T>(compare, branch.condition);
      case Opcode::Test: return pick_condition<TestOperands, T>(compare, branch.condition);
      default: return nullptr;
    }
  });
}

}  // namespace tsbhyve::soft
