// SPDX-License-Identifier: BSD-2-Clause
// SSE3, SSSE3, SSE4.1 and SSE4.2.
#include "soft/families.h"
#include "soft/sse/compute.h"
#include "soft/sse/float_later.h"
#include "soft/sse/horizontal.h"
#include "soft/sse/insert.h"
#include "soft/sse/string_compare.h"

namespace tsbhyve::soft {

namespace {

using namespace sse;

template <class O>
void add_software(HandlerTable& table, Opcode opcode) {
  table.set(opcode, reading<Unit::Sse, XmmAligned, ComputeInSoftware<O>>);
}

void add_sse3(HandlerTable& table) {
  using enum Opcode;
  add_software<AddSubtract<Float32>>(table, Addsubps);
  add_software<AddSubtract<Float64>>(table, Addsubpd);
  add_software<HorizontalFloat<Float32, software::Add>>(table, Haddps);
  add_software<HorizontalFloat<Float64, software::Add>>(table, Haddpd);
  add_software<HorizontalFloat<Float32, software::Subtract>>(table, Hsubps);
  add_software<HorizontalFloat<Float64, software::Subtract>>(table, Hsubpd);
  table.set(Movddup, reading<Unit::Sse, XmmLow<u64>, OnXmm<DuplicateLow>>);
  add_xmm<DuplicateSingles<1>>(table, Movshdup);
  add_xmm<DuplicateSingles<0>>(table, Movsldup);
}

void add_ssse3(HandlerTable& table) {
  using enum Opcode;
  add_both<ShuffleBytes>(table, Pshufb);
  add_both<Horizontal<i16, false, false>>(table, Phaddw);
  add_both<Horizontal<i32, false, false>>(table, Phaddd);
  add_both<Horizontal<i16, false, true>>(table, Phaddsw);
  add_both<Horizontal<i16, true, false>>(table, Phsubw);
  add_both<Horizontal<i32, true, false>>(table, Phsubd);
  add_both<Horizontal<i16, true, true>>(table, Phsubsw);
  add_both<MultiplyAdd<u8, i8, i16>>(table, Pmaddubsw);
  add_both<ApplySign<i8>>(table, Psignb);
  add_both<ApplySign<i16>>(table, Psignw);
  add_both<ApplySign<i32>>(table, Psignd);
  add_both<MultiplyHighRounded>(table, Pmulhrsw);
  add_both<Absolute<i8>>(table, Pabsb);
  add_both<Absolute<i16>>(table, Pabsw);
  add_both<Absolute<i32>>(table, Pabsd);
  add_both<AlignRight>(table, Palignr);
}

template <class From, class To>
void add_extend(HandlerTable& table, Opcode opcode) {
  using Stored = std::conditional_t<lane_count<To, V128> * sizeof(From) == 8, u64,
                                    std::conditional_t<lane_count<To, V128> * sizeof(From) == 4, u32, u16>>;
  table.set(opcode, reading<Unit::Sse, XmmLow<Stored>, OnXmm<Extend<From, To>>>);
}

void add_extensions(HandlerTable& table) {
  using enum Opcode;
  add_extend<i8, i16>(table, Pmovsxbw);
  add_extend<i8, i32>(table, Pmovsxbd);
  add_extend<i8, i64>(table, Pmovsxbq);
  add_extend<i16, i32>(table, Pmovsxwd);
  add_extend<i16, i64>(table, Pmovsxwq);
  add_extend<i32, i64>(table, Pmovsxdq);
  add_extend<u8, u16>(table, Pmovzxbw);
  add_extend<u8, u32>(table, Pmovzxbd);
  add_extend<u8, u64>(table, Pmovzxbq);
  add_extend<u16, u32>(table, Pmovzxwd);
  add_extend<u16, u64>(table, Pmovzxwq);
  add_extend<u32, u64>(table, Pmovzxdq);
}

void add_lanewise41(HandlerTable& table) {
  using enum Opcode;
  add_xmm<MultiplyWide<i32>>(table, Pmuldq);
  add_xmm<MultiplyLow32>(table, Pmulld);
  add_xmm<CompareEqual<u64>>(table, Pcmpeqq);
  add_xmm<Pack<i32, u16>>(table, Packusdw);
  add_xmm<Lesser<i8>>(table, Pminsb);
  add_xmm<Lesser<i32>>(table, Pminsd);
  add_xmm<Lesser<u16>>(table, Pminuw);
  add_xmm<Lesser<u32>>(table, Pminud);
  add_xmm<Greater<i8>>(table, Pmaxsb);
  add_xmm<Greater<i32>>(table, Pmaxsd);
  add_xmm<Greater<u16>>(table, Pmaxuw);
  add_xmm<Greater<u32>>(table, Pmaxud);
  add_xmm<SmallestWord>(table, Phminposuw);
  add_xmm<SumsOfDifferences>(table, Mpsadbw);
}

void add_float41(HandlerTable& table) {
  using enum Opcode;
  add_software<RoundToIntegral<Float32, true>>(table, Roundps);
  add_software<RoundToIntegral<Float64, true>>(table, Roundpd);
  table.set(Roundss, reading<Unit::Sse, XmmLow<u32>, ComputeInSoftware<RoundToIntegral<Float32, false>>>);
  table.set(Roundsd, reading<Unit::Sse, XmmLow<u64>, ComputeInSoftware<RoundToIntegral<Float64, false>>>);
  add_software<DotProduct<Float32>>(table, Dpps);
  add_software<DotProduct<Float64>>(table, Dppd);
}

template <class O>
struct OnXmmByXmm0 {
  static void apply(Cpu* cpu, const Op* op, V128 source) {
    write_xmm(cpu, op->destination, O::blend(read_xmm(cpu, op->destination), source, read_xmm(cpu, 0)));
  }
};

/// PTEST: ZF when the operands share no bit, CF when the first covers the second.
struct TestBits {
  static void apply(Cpu* cpu, const Op* op, V128 source) {
    const V128 destination = read_xmm(cpu, op->destination);
    const V128 shared = destination & source, uncovered = ~destination & source;
    write_status_flags(
        cpu, ((shared[0] | shared[1]) == 0 ? flag_zf : 0) | ((uncovered[0] | uncovered[1]) == 0 ? flag_cf : 0));
  }
};

void add_blends(HandlerTable& table) {
  using enum Opcode;
  table.set(Pblendvb, reading<Unit::Sse, XmmAligned, OnXmmByXmm0<BlendBySign<i8>>>);
  table.set(Blendvps, reading<Unit::Sse, XmmAligned, OnXmmByXmm0<BlendBySign<i32>>>);
  table.set(Blendvpd, reading<Unit::Sse, XmmAligned, OnXmmByXmm0<BlendBySign<i64>>>);
  add_xmm<BlendByBit<u16>>(table, Pblendw);
  add_xmm<BlendByBit<u32>>(table, Blendps);
  add_xmm<BlendByBit<u64>>(table, Blendpd);
  table.set(Ptest, reading<Unit::Sse, XmmAligned, TestBits>);
}

Handler select_insert_single(const Instruction& instruction, bool live) {
  return in_memory(instruction.operands[1])
             ? reading<Unit::Sse, XmmLow<u32>, OnXmm<InsertSingle<true>>>(instruction, live)
             : reading<Unit::Sse, XmmLow<u32>, OnXmm<InsertSingle<false>>>(instruction, live);
}

/// EXTRACTPS always writes 32 bits, which clears the upper half of the register (SDM vol. 2).
void add_elements(HandlerTable& table) {
  using enum Opcode;
  table.set(Pextrb, select_extract<u8>);
  table.set(Extractps, select_extract<u32>);
  table.set(Pextrd, [](const Instruction& instruction, bool live) {
    return instruction.operands[0].size == 8 ? select_extract<u64>(instruction, live)
                                             : select_extract<u32>(instruction, live);
  });
  table.set(Pinsrb, reading<Unit::Sse, sse::General<u32, u8>, InsertXmm<u8>>);
  table.set(Pinsrd, [](const Instruction& instruction, bool live) {
    return instruction.operands[1].size == 8 ? reading<Unit::Sse, sse::General<u64>, InsertXmm<u64>>(instruction, live)
                                             : reading<Unit::Sse, sse::General<u32>, InsertXmm<u32>>(instruction, live);
  });
  table.set(Insertps, select_insert_single);
}

}  // namespace

void add_sse_later(HandlerTable& table) {
  add_sse3(table);
  add_ssse3(table);
  add_extensions(table);
  add_lanewise41(table);
  add_float41(table);
  add_blends(table);
  add_elements(table);
  add_xmm<CompareGreater<i64>>(table, Opcode::Pcmpgtq);
  add_string_compares(table);
}

}  // namespace tsbhyve::soft
