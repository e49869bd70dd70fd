// SPDX-License-Identifier: BSD-2-Clause
// Vector values and their lanes. The compiler's vector extension gives every host its own SIMD instructions.
#pragma once

#include <bit>

#include "soft/cpu.h"

namespace tsbhyve::soft::sse {

template <class T, size_t bytes>
struct VectorOf {
  typedef T type __attribute__((vector_size(bytes)));
};

/// What handlers pass around: V128 for an XMM operand (one host vector register), u64 for an MMX operand.
using V128 = VectorOf<u64, 16>::type;

/// R, seen as lanes of T.
template <class T, class R>
using Lanes = typename VectorOf<T, sizeof(R)>::type;

template <class T, class R>
inline constexpr u32 lane_count = sizeof(R) / sizeof(T);

template <class T, class R>
[[gnu::always_inline]] inline Lanes<T, R> lanes(R value) {
  return std::bit_cast<Lanes<T, R>>(value);
}
template <class R, class L>
[[gnu::always_inline]] inline R whole(L value) {
  return std::bit_cast<R>(value);
}

/// Lane i of the result = f(lane i of a, lane i of b).
template <class T, class R, class F>
[[gnu::always_inline]] inline R each(R a, R b, F f) {
  const Lanes<T, R> left = lanes<T>(a), right = lanes<T>(b);
  Lanes<T, R> result{};
  for (u32 i = 0; i < lane_count<T, R>; i++) result[i] = static_cast<T>(f(left[i], right[i]));
  return whole<R>(result);
}

/// Bits of `yes` where the mask is set, else of `no`.
template <class R, class M>
[[gnu::always_inline]] inline R select(M mask, R yes, R no) {
  const R bits = whole<R>(mask);
  return (bits & yes) | (~bits & no);
}

[[gnu::always_inline]] inline V128 low_only(u64 value) { return V128{value, 0}; }

[[gnu::always_inline]] inline V128 read_xmm(const Cpu* cpu, u8 number) {
  V128 value;
  __builtin_memcpy(&value, cpu->xmm[number].lane, sizeof(value));
  return value;
}
[[gnu::always_inline]] inline void write_xmm(Cpu* cpu, u8 number, V128 value) {
  __builtin_memcpy(cpu->xmm[number].lane, &value, sizeof(value));
}

/// MMX registers lie in the significands of the physical x87 registers (SDM vol. 1, 9.2.1).
inline u64 read_mmx(const Cpu* cpu, u8 number) { return cpu->fpu.registers[number].significand; }
inline void write_mmx(Cpu* cpu, u8 number, u64 value) { cpu->fpu.registers[number] = {value, 0xffff}; }

}  // namespace tsbhyve::soft::sse
