// SPDX-License-Identifier: BSD-2-Clause
// Single elements between vectors and general registers or memory: PINSR, PEXTR, EXTRACTPS.
#pragma once

#include "soft/sse/shells.h"

namespace tsbhyve::soft::sse {

/// Element of type T number `index`, counted modulo the number of elements.
template <class T, class R>
T element(R value, u64 index) {
  return lanes<T>(value)[index & (lane_count<T, R> - 1)];
}
template <class T, class R>
[[gnu::noinline]] R with_element(R value, u64 index, T element) {
  auto result = lanes<T>(value);
  result[index & (lane_count<T, R> - 1)] = element;
  return whole<R>(result);
}

template <class T>
struct InsertXmm {
  static void apply(Cpu* cpu, const Op* op, u64 value) {
    const V128 old = read_xmm(cpu, op->destination);
    write_xmm(cpu, op->destination, with_element<T>(old, op->immediate, static_cast<T>(value)));
  }
};
template <class T>
struct InsertMmx {
  static void apply(Cpu* cpu, const Op* op, u64 value) {
    const u64 old = read_mmx(cpu, op->destination);
    write_mmx(cpu, op->destination, with_element<T>(old, op->immediate, static_cast<T>(value)));
  }
};

template <class T>
struct SourceElement {
  static T get(const Cpu* cpu, const Op* op) { return element<T>(read_xmm(cpu, op->source), op->immediate); }
};
/// Elements narrower than 32 bits are zero-extended in a general register.
template <class T>
struct ExtractToGeneral {
  template <class R>
  static void apply(Cpu* cpu, const Op* op, R value) {
    using Wide = std::conditional_t<sizeof(T) == 8, u64, u32>;
    write_gpr<Wide>(cpu, op->destination, element<T>(value, op->immediate));
  }
};

template <class T>
Handler select_extract(const Instruction& instruction, bool live) {
  return in_memory(instruction.operands[0]) ? storing<Unit::Sse, T, Alignment::Any, SourceElement<T>>(instruction, live)
                                            : reading<Unit::Sse, XmmLow<u64>, ExtractToGeneral<T>>(instruction, live);
}

inline Handler select_insert_word(const Instruction& instruction, bool live) {
  return is_mmx(instruction.operands[0]) ? reading<Unit::Mmx, General<u32, u16>, InsertMmx<u16>>(instruction, live)
                                         : reading<Unit::Sse, General<u32, u16>, InsertXmm<u16>>(instruction, live);
}
inline Handler select_extract_word(const Instruction& instruction, bool live) {
  return is_mmx(instruction.operands[1]) ? reading<Unit::Mmx, MmxLow<u64>, ExtractToGeneral<u16>>(instruction, live)
                                         : select_extract<u16>(instruction, live);
}

}  // namespace tsbhyve::soft::sse
