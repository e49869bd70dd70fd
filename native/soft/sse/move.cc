// SPDX-License-Identifier: BSD-2-Clause
// SSE and SSE2 moves between XMM registers and memory, and MXCSR.
#include "soft/sse/move.h"

#include "soft/families.h"
#include "soft/host/rounding.h"
#include "soft/sse/shuffle.h"

namespace tsbhyve::soft {

namespace {

using namespace sse;

struct SourceXmm {
  static V128 get(const Cpu* cpu, const Op* op) { return read_xmm(cpu, op->source); }
};
template <u32 lane>
struct SourceQuad {
  static u64 get(const Cpu* cpu, const Op* op) { return cpu->xmm[op->source].lane[lane]; }
};

struct Replace {
  static V128 apply(V128, V128 b) { return b; }
};
struct LowSingle {
  static V128 apply(V128 a, V128 b) { return V128{(a[0] & ~u64{0xffffffff}) | (b[0] & 0xffffffff), a[1]}; }
};
struct LowQuad {
  static V128 apply(V128 a, V128 b) { return V128{b[0], a[1]}; }
};
struct HighFromLow {
  static V128 apply(V128 a, V128 b) { return V128{a[0], b[0]}; }
};
struct LowFromHigh {
  static V128 apply(V128 a, V128 b) { return V128{b[1], a[1]}; }
};

/// MOVUPS, MOVAPS and their like: whole registers, in both directions.
template <Alignment A>
Handler select_whole(const Instruction& instruction, bool live) {
  return in_memory(instruction.operands[0]) ? storing<Unit::Sse, V128, A, SourceXmm>(instruction, live)
                                            : reading<Unit::Sse, Xmm128<A>, OnXmm<Replace>>(instruction, live);
}

/// MOVSS and MOVSD: a load clears the rest of the register, a move between registers keeps it.
template <class T, class Merge>
Handler select_scalar(const Instruction& instruction, bool live) {
  if (in_memory(instruction.operands[0]))
    return storing<Unit::Sse, T, Alignment::Any, SourceXmmLow<T>>(instruction, live);
  return in_memory(instruction.operands[1]) ? reading<Unit::Sse, XmmLow<T>, OnXmm<Replace>>(instruction, live)
                                            : reading<Unit::Sse, XmmLow<T>, OnXmm<Merge>>(instruction, live);
}

/// MOVLPS and MOVHPS, which have no form between registers.
template <u32 lane, class Merge>
Handler select_half(const Instruction& instruction, bool live) {
  return in_memory(instruction.operands[0])
             ? storing<Unit::Sse, u64, Alignment::Any, SourceQuad<lane>>(instruction, live)
             : reading<Unit::Sse, XmmLow<u64>, OnXmm<Merge>>(instruction, live);
}

constexpr u32 mxcsr_writable = 0xffff;

struct LoadMxcsr {
  static void apply(Cpu* cpu, const Op* op, u64 value) {
    if (value & ~u64{mxcsr_writable}) raise(cpu, op, Vector::GP, 0);
    cpu->mxcsr = static_cast<u32>(value);
    host::load_guest_rounding(cpu->mxcsr);
  }
};
struct Mxcsr {
  static u32 get(const Cpu* cpu, const Op*) { return cpu->mxcsr; }
};

/// The only operand is in memory, as the first one.
Handler select_load_mxcsr(const Instruction& instruction, bool) {
  return addressing_of(instruction) == Addressing::Flat64
             ? read_and_act<Unit::Sse, sse::General<u32>, LoadMxcsr, From::Flat64>
             : read_and_act<Unit::Sse, sse::General<u32>, LoadMxcsr, From::General>;
}

void add_whole(HandlerTable& table) {
  using enum Opcode;
  for (const Opcode opcode : {Movups, Movupd, Movdqu, Lddqu}) table.set(opcode, select_whole<Alignment::Any>);
  for (const Opcode opcode : {Movaps, Movapd, Movdqa, Movntps, Movntpd, Movntdq, Movntdqa}) {
    table.set(opcode, select_whole<Alignment::Required>);
  }
}

}  // namespace

void add_sse_move(HandlerTable& table) {
  using enum Opcode;
  add_whole(table);
  table.set(Movss, select_scalar<u32, LowSingle>);
  table.set(Movsd, select_scalar<u64, LowQuad>);
  for (const Opcode opcode : {Movlps, Movlpd}) table.set(opcode, select_half<0, LowQuad>);
  for (const Opcode opcode : {Movhps, Movhpd}) table.set(opcode, select_half<1, HighFromLow>);
  table.set(Movhlps, reading<Unit::Sse, XmmAligned, OnXmm<LowFromHigh>>);
  table.set(Movlhps, reading<Unit::Sse, XmmAligned, OnXmm<HighFromLow>>);
  add_xmm<UnpackLow<u32>>(table, Unpcklps);
  add_xmm<UnpackLow<u64>>(table, Unpcklpd);
  add_xmm<UnpackHigh<u32>>(table, Unpckhps);
  add_xmm<UnpackHigh<u64>>(table, Unpckhpd);
  add_xmm<ShuffleSingles>(table, Shufps);
  add_xmm<ShuffleDoubles>(table, Shufpd);
  table.set(Ldmxcsr, select_load_mxcsr);
  table.set(Stmxcsr, storing<Unit::Sse, u32, Alignment::Any, Mxcsr>);
  add_transfers(table);
}

}  // namespace tsbhyve::soft
