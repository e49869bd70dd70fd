// SPDX-License-Identifier: BSD-2-Clause
// Kinds of second operands. Each names its value in registers, its form in memory, and the way from one to the other.
#pragma once

#include "soft/integer/operand.h"
#include "soft/leave.h"
#include "soft/sse/lanes.h"

namespace tsbhyve::soft::sse {

/// Whether a 16-byte memory operand must be aligned (SDM vol. 2, exception classes of SSE).
enum class Alignment : u8 { Required, Any };

template <Alignment A>
struct Xmm128 {
  using Stored = V128;
  static constexpr Alignment alignment = A;
  static V128 from_register(const Cpu* cpu, const Op* op) { return read_xmm(cpu, op->source); }
  static V128 from_memory(V128 stored) { return stored; }
};
using XmmAligned = Xmm128<Alignment::Required>;
using XmmUnaligned = Xmm128<Alignment::Any>;

/// The low T of an XMM register, or a T in memory; what lies above is zero then.
template <class T>
struct XmmLow {
  using Stored = T;
  static V128 from_register(const Cpu* cpu, const Op* op) { return read_xmm(cpu, op->source); }
  static V128 from_memory(T stored) { return low_only(stored); }
};

template <class T>
struct MmxLow {
  using Stored = T;
  static u64 from_register(const Cpu* cpu, const Op* op) { return read_mmx(cpu, op->source); }
  static u64 from_memory(T stored) { return stored; }
};

/// A general register of type T, or a narrower S in memory.
template <class T, class S = T>
struct General {
  using Stored = S;
  static u64 from_register(const Cpu* cpu, const Op* op) { return read_gpr<T>(cpu, op->source); }
  static u64 from_memory(S stored) { return stored; }
};

inline void require_aligned16(Cpu* cpu, const Op* op, u64 lin) {
  if (lin & 15) raise(cpu, op, Vector::GP, 0);
}

/// Unaligned vectors take the fast path too, as long as they stay on the page.
template <class T>
[[gnu::always_inline]] inline bool fast_vector(u64 tag, u64 lin) {
  if constexpr (sizeof(T) == 16) {
    return __builtin_expect((lin & page_mask) == tag && (lin & page_offset_mask) <= page_size - sizeof(T), 1);
  } else {
    return fast_hit<T>(tag, lin);
  }
}

/// Memory operands off the fast path, in any addressing.
template <class T, Alignment A>
[[gnu::noinline]] T fetch_general(Cpu* cpu, const Op* op) {
  const u64 lin = general_address(cpu, op, sizeof(T), false);
  if constexpr (sizeof(T) == 16) {
    if (A == Alignment::Required) require_aligned16(cpu, op, lin);
    return std::bit_cast<V128>(load128(cpu, op, lin));
  } else {
    return load<T>(cpu, op, lin);
  }
}

template <class T, Alignment A>
[[gnu::noinline]] void store_general(Cpu* cpu, const Op* op, T value) {
  const u64 lin = general_address(cpu, op, sizeof(T), true);
  if constexpr (sizeof(T) == 16) {
    if (A == Alignment::Required) require_aligned16(cpu, op, lin);
    store128(cpu, op, lin, std::bit_cast<U128>(value));
  } else {
    store<T>(cpu, op, lin, value);
  }
}

template <class Fetch>
inline constexpr Alignment alignment_of = Alignment::Any;
template <class Fetch>
requires requires { Fetch::alignment; }
inline constexpr Alignment alignment_of<Fetch> = Fetch::alignment;

}  // namespace tsbhyve::soft::sse
