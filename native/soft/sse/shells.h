// SPDX-License-Identifier: BSD-2-Clause
// The two shapes of SSE and MMX handlers: read the second operand and act, or store a value to memory.
//
// An Action is a class with `static void apply(Cpu*, const Op*, value)`; a Source has `static T get(const Cpu*, const
// Op*)`.
#pragma once

#include "soft/sse/fetch.h"
#include "soft/sse/unit.h"

namespace tsbhyve::soft::sse {

/// Flat64 handlers make no call: what their fast path cannot do, the General one does from the start.
enum class From : u8 { Register, Flat64, General };

template <Unit U, class Fetch, class Action, From F>
void read_and_act(Cpu* cpu, const Op* op) {
  using Stored = typename Fetch::Stored;
  if constexpr (F == From::Register) {
    if (!ready<U>(cpu)) check_unit(cpu, op, U);
    Action::apply(cpu, op, Fetch::from_register(cpu, op));
  } else if constexpr (F == From::Flat64) {
    const u64 lin = raw_address(cpu, op);
    const FastEntry& entry = fast_entry(cpu, lin);
    const bool fast = alignment_of<Fetch> == Alignment::Required ? fast_hit<Stored>(entry.read_tag, lin)
                                                                 : fast_vector<Stored>(entry.read_tag, lin);
    if (!fast || !ready<U>(cpu)) return read_and_act<U, Fetch, Action, From::General>(cpu, op);
    const Stored stored = peek<Stored>(reinterpret_cast<const u8*>(lin + entry.addend));
    Action::apply(cpu, op, Fetch::from_memory(stored));
  } else {
    if (!ready<U>(cpu)) check_unit(cpu, op, U);
    const Stored stored = fetch_general<Stored, alignment_of<Fetch>>(cpu, op);
    Action::apply(cpu, op, Fetch::from_memory(stored));
  }
  if constexpr (U != Unit::Sse) enter_mmx(cpu);
  NEXT(cpu, op);
}

template <Unit U, class T, Alignment A, class Source, From F>
void store_value(Cpu* cpu, const Op* op) {
  static_assert(F != From::Register);
  if constexpr (F == From::Flat64) {
    const u64 lin = raw_address(cpu, op);
    const FastEntry& entry = fast_entry(cpu, lin);
    const bool fast =
        A == Alignment::Required ? fast_hit<T>(entry.write_tag, lin) : fast_vector<T>(entry.write_tag, lin);
    if (!fast || !ready<U>(cpu)) return store_value<U, T, A, Source, From::General>(cpu, op);
    poke<T>(reinterpret_cast<u8*>(lin + entry.addend), Source::get(cpu, op));
  } else {
    if (!ready<U>(cpu)) check_unit(cpu, op, U);
    store_general<T, A>(cpu, op, Source::get(cpu, op));
  }
  if constexpr (U != Unit::Sse) enter_mmx(cpu);
  NEXT(cpu, op);
}

inline bool in_memory(const Operand& operand) { return operand.kind == OperandKind::Memory; }
inline bool is_mmx(const Operand& operand) { return operand.kind == OperandKind::Mmx; }
inline bool is_xmm(const Operand& operand) { return operand.kind == OperandKind::Xmm; }

/// Selects by the second operand.
template <Unit U, class Fetch, class Action>
Handler reading(const Instruction& instruction, bool) {
  if (!in_memory(instruction.operands[1])) return read_and_act<U, Fetch, Action, From::Register>;
  return addressing_of(instruction) == Addressing::Flat64 ? read_and_act<U, Fetch, Action, From::Flat64>
                                                          : read_and_act<U, Fetch, Action, From::General>;
}

/// For instructions whose first operand is in memory.
template <Unit U, class T, Alignment A, class Source>
Handler storing(const Instruction& instruction, bool) {
  return addressing_of(instruction) == Addressing::Flat64 ? store_value<U, T, A, Source, From::Flat64>
                                                          : store_value<U, T, A, Source, From::General>;
}

/// Calls an operation, with the immediate byte if it takes one.
template <class O, class R>
[[gnu::always_inline]] inline R operate(const Op* op, R a, R b) {
  if constexpr (requires { O::apply(a, b, u8{}); }) {
    return O::apply(a, b, static_cast<u8>(op->immediate));
  } else {
    return O::apply(a, b);
  }
}

/// destination = O(destination, source)
template <class O>
struct OnXmm {
  static void apply(Cpu* cpu, const Op* op, V128 source) {
    write_xmm(cpu, op->destination, operate<O>(op, read_xmm(cpu, op->destination), source));
  }
};
template <class O>
struct OnMmx {
  static void apply(Cpu* cpu, const Op* op, u64 source) {
    write_mmx(cpu, op->destination, operate<O>(op, read_mmx(cpu, op->destination), source));
  }
};

/// An operation on whole registers: XMM only, or XMM and MMX.
template <class O>
void add_xmm(HandlerTable& table, Opcode opcode) {
  table.set(opcode, reading<Unit::Sse, XmmAligned, OnXmm<O>>);
}
template <class O, class MmxFetch = MmxLow<u64>>
void add_both(HandlerTable& table, Opcode opcode) {
  table.set(opcode, [](const Instruction& instruction, bool live) {
    return is_mmx(instruction.operands[0]) ? reading<Unit::Mmx, MmxFetch, OnMmx<O>>(instruction, live)
                                           : reading<Unit::Sse, XmmAligned, OnXmm<O>>(instruction, live);
  });
}

}  // namespace tsbhyve::soft::sse
