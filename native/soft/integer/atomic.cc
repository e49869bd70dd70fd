// SPDX-License-Identifier: BSD-2-Clause
// XADD, CMPXCHG, CMPXCHG8B and CMPXCHG16B.
#include "soft/families.h"
#include "soft/flags.h"
#include "soft/integer/select.h"
#include "soft/integer/wide.h"
#include "soft/leave.h"

namespace tsbhyve::soft {

namespace {

/// The old value goes to the source first: XADD of a register with itself leaves the sum.
template <class T, bool Flags>
struct ExchangeAdd {
  using Value = T;
  using Full = ExchangeAdd<T, true>;
  static T change(const Cpu* cpu, const Op* op, T old) { return static_cast<T>(old + read_gpr<T>(cpu, op->source)); }
  static void finish(Cpu* cpu, const Op* op, T old, T result) {
    if constexpr (Flags) set_lazy<T>(cpu, FlagKind::Add, result, old, read_gpr<T>(cpu, op->source));
    write_gpr<T>(cpu, op->source, old);
  }
};

Handler select_xadd(const Instruction& instruction, bool flags_live) {
  return by_width(instruction.operands[0].size, [&]<class T>() {
    return by_flag(flags_live, [&]<bool Flags>() { return update_destination<ExchangeAdd<T, Flags>>(instruction); });
  });
}

template <class T>
void compare_accumulator(Cpu* cpu, T accumulator, T old) {
  set_lazy<T>(cpu, FlagKind::Sub, static_cast<T>(accumulator - old), accumulator, old);
}

/// Memory is written whether the values are equal or not (SDM vol. 2, CMPXCHG).
template <class T>
struct CompareExchange {
  using Value = T;
  using Full = CompareExchange;
  static T change(const Cpu* cpu, const Op* op, T old) {
    return read_gpr<T>(cpu, RAX * 8) == old ? read_gpr<T>(cpu, op->source) : old;
  }
  static void finish(Cpu* cpu, const Op*, T old, T) {
    const T accumulator = read_gpr<T>(cpu, RAX * 8);
    compare_accumulator<T>(cpu, accumulator, old);
    if (accumulator != old) write_gpr<T>(cpu, RAX * 8, old);
  }
};

/// Of the two registers only the one that receives a value is touched: the other is not even zero-extended.
template <class T>
void compare_exchange_register(Cpu* cpu, const Op* op) {
  const T accumulator = read_gpr<T>(cpu, RAX * 8);
  const T old = read_gpr<T>(cpu, op->destination);
  compare_accumulator<T>(cpu, accumulator, old);
  if (accumulator == old)
    write_gpr<T>(cpu, op->destination, read_gpr<T>(cpu, op->source));
  else
    write_gpr<T>(cpu, RAX * 8, old);
  NEXT(cpu, op);
}

Handler select_cmpxchg(const Instruction& instruction, bool) {
  return by_width(instruction.operands[0].size, [&]<class T>() -> Handler {
    if (is_memory(instruction.operands[0])) return update_memory<CompareExchange<T>>(instruction);
    return compare_exchange_register<T>;
  });
}

/// CX:BX of the width that CMPXCHG8B and CMPXCHG16B store.
template <class T>
Double<T> replacement(const Cpu* cpu) {
  return static_cast<Double<T>>(static_cast<Double<T>>(read_gpr<T>(cpu, RCX * 8)) << width_bits<T> |
                                read_gpr<T>(cpu, RBX * 8));
}

/// Only ZF changes. Registers are written only when unequal.
template <class T>
void finish_pair(Cpu* cpu, Double<T> old, bool equal) {
  change_status_flags(cpu, flag_zf, equal ? flag_zf : 0);
  if (!equal) write_double<T>(cpu, old);
}

struct CompareExchange8 {
  using Value = u64;
  using Full = CompareExchange8;
  static u64 change(const Cpu* cpu, const Op*, u64 old) {
    return read_double<u32>(cpu) == old ? replacement<u32>(cpu) : old;
  }
  static void finish(Cpu* cpu, const Op*, u64 old, u64) { finish_pair<u32>(cpu, old, read_double<u32>(cpu) == old); }
};

Handler select_cmpxchg8b(const Instruction& instruction, bool) { return update_memory<CompareExchange8>(instruction); }

[[gnu::noinline]] void compare_exchange_16(Cpu* cpu, const Op* op) {
  const u64 lin = general_address(cpu, op, sizeof(U128), true);
  if (lin & (sizeof(U128) - 1)) raise(cpu, op, Vector::GP, 0);
  probe_write(cpu, op, lin, sizeof(U128), op->segment);
  const U128 memory = load128(cpu, op, lin);
  const u128 old = static_cast<u128>(memory.high) << 64 | memory.low;
  const bool equal = read_double<u64>(cpu) == old;
  const u128 stored = equal ? replacement<u64>(cpu) : old;
  store128(cpu, op, lin, {static_cast<u64>(stored), static_cast<u64>(stored >> 64)});
  finish_pair<u64>(cpu, old, equal);
}

void cmpxchg16b(Cpu* cpu, const Op* op) {
  compare_exchange_16(cpu, op);
  NEXT(cpu, op);
}

#if defined(__x86_64__)
[[gnu::noinline]] void compare_exchange_16_locked(Cpu* cpu, const Op* op) {
  const u64 lin = general_address(cpu, op, sizeof(U128), true);
  if (lin & (sizeof(U128) - 1)) raise(cpu, op, Vector::GP, 0);
  u8* const at = begin_locked(cpu, op, lin, sizeof(U128), op->segment);
  if (!at) return compare_exchange_16(cpu, op);
  const u128 expected = read_double<u64>(cpu);
  const u128 found = host::compare_exchange_16(at, expected, replacement<u64>(cpu));
  end_locked(cpu, lin, sizeof(U128));
  finish_pair<u64>(cpu, found, found == expected);
}

void cmpxchg16b_locked(Cpu* cpu, const Op* op) {
  compare_exchange_16_locked(cpu, op);
  NEXT(cpu, op);
}
#else
/// The host may have no such operation: nobody else runs meanwhile.
void cmpxchg16b_locked(Cpu* cpu, const Op* op) {
  const u64 lin = general_address(cpu, op, sizeof(U128), true);
  if (lin & (sizeof(U128) - 1)) raise(cpu, op, Vector::GP, 0);
  require_alone(cpu, op);
  compare_exchange_16(cpu, op);
  NEXT(cpu, op);
}
#endif

Handler select_cmpxchg16b(const Instruction& instruction, bool) {
  return is_locked(instruction) ? cmpxchg16b_locked : cmpxchg16b;
}

}  // namespace

void add_atomic(HandlerTable& table) {
  table.set(Opcode::Xadd, select_xadd);
  table.set(Opcode::Cmpxchg, select_cmpxchg);
  table.set(Opcode::Cmpxchg8b, select_cmpxchg8b);
  table.set(Opcode::Cmpxchg16b, select_cmpxchg16b);
}

}  // namespace tsbhyve::soft
