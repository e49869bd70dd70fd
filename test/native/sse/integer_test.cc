// SPDX-License-Identifier: BSD-2-Clause
// The integer operations against the same instructions of the host, in XMM and MMX form.
#include "values.h"

#if defined(__x86_64__)

#include "host_instructions.h"
#include "soft/sse/horizontal.h"
#include "soft/sse/shift.h"
#include "soft/sse/shuffle.h"

namespace test::host_code {

HOST_BOTH(punpcklbw, "punpcklbw")
HOST_BOTH(punpcklwd, "punpcklwd")
HOST_BOTH(punpckldq, "punpckldq")
HOST_XMM(punpcklqdq, "punpcklqdq")
HOST_BOTH(punpckhbw, "punpckhbw")
HOST_BOTH(punpckhwd, "punpckhwd")
HOST_BOTH(punpckhdq, "punpckhdq")
HOST_XMM(punpckhqdq, "punpckhqdq")
HOST_BOTH(packsswb, "packsswb")
HOST_BOTH(packssdw, "packssdw")
HOST_BOTH(packuswb, "packuswb")
HOST_BOTH(paddb, "paddb")
HOST_BOTH(paddq, "paddq")
HOST_BOTH(paddsb, "paddsb")
HOST_BOTH(paddsw, "paddsw")
HOST_BOTH(paddusb, "paddusb")
HOST_BOTH(paddusw, "paddusw")
HOST_BOTH(psubw, "psubw")
HOST_BOTH(psubd, "psubd")
HOST_BOTH(psubsb, "psubsb")
HOST_BOTH(psubsw, "psubsw")
HOST_BOTH(psubusb, "psubusb")
HOST_BOTH(psubusw, "psubusw")
HOST_BOTH(pavgb, "pavgb")
HOST_BOTH(pavgw, "pavgw")
HOST_BOTH(psadbw, "psadbw")
HOST_BOTH(pmullw, "pmullw")
HOST_BOTH(pmulhw, "pmulhw")
HOST_BOTH(pmulhuw, "pmulhuw")
HOST_BOTH(pmuludq, "pmuludq")
HOST_BOTH(pmaddwd, "pmaddwd")
HOST_BOTH(pcmpgtb, "pcmpgtb")
HOST_BOTH(pcmpgtd, "pcmpgtd")
HOST_BOTH(pcmpeqb, "pcmpeqb")
HOST_BOTH(pcmpeqw, "pcmpeqw")
HOST_BOTH(pminub, "pminub")
HOST_BOTH(pminsw, "pminsw")
HOST_BOTH(pmaxub, "pmaxub")
HOST_BOTH(pmaxsw, "pmaxsw")
HOST_BOTH(psrlw, "psrlw")
HOST_BOTH(psrld, "psrld")
HOST_BOTH(psrlq, "psrlq")
HOST_BOTH(psraw, "psraw")
HOST_BOTH(psrad, "psrad")
HOST_BOTH(psllw, "psllw")
HOST_BOTH(pslld, "pslld")
HOST_BOTH(psllq, "psllq")
HOST_BOTH(pshufb, "pshufb")
HOST_BOTH(phaddw, "phaddw")
HOST_BOTH(phaddd, "phaddd")
HOST_BOTH(phaddsw, "phaddsw")
HOST_BOTH(phsubw, "phsubw")
HOST_BOTH(phsubd, "phsubd")
HOST_BOTH(phsubsw, "phsubsw")
HOST_BOTH(pmaddubsw, "pmaddubsw")
HOST_BOTH(psignb, "psignb")
HOST_BOTH(psignw, "psignw")
HOST_BOTH(psignd, "psignd")
HOST_BOTH(pmulhrsw, "pmulhrsw")
HOST_BOTH(pabsb, "pabsb")
HOST_BOTH(pabsw, "pabsw")
HOST_BOTH(pabsd, "pabsd")
HOST_XMM(pmuldq, "pmuldq")
HOST_XMM(pmulld, "pmulld")
HOST_XMM(pcmpeqq, "pcmpeqq")
HOST_XMM(pcmpgtq, "pcmpgtq")
HOST_XMM(packusdw, "packusdw")
HOST_XMM(pminsb, "pminsb")
HOST_XMM(pminuw, "pminuw")
HOST_XMM(pminud, "pminud")
HOST_XMM(pmaxsd, "pmaxsd")
HOST_XMM(pmaxuw, "pmaxuw")
HOST_XMM(phminposuw, "phminposuw")
HOST_XMM(pmovsxbw, "pmovsxbw")
HOST_XMM(pmovsxbq, "pmovsxbq")
HOST_XMM(pmovsxdq, "pmovsxdq")
HOST_XMM(pmovzxbd, "pmovzxbd")
HOST_XMM(pmovzxwq, "pmovzxwq")
HOST_XMM(movddup, "movddup")
HOST_XMM(movshdup, "movshdup")
HOST_XMM(movsldup, "movsldup")

}  // namespace test::host_code

namespace {

using namespace test;
using namespace tsbhyve::soft::sse;
namespace host_code = test::host_code;

constexpr u32 rounds = 4000;

/// Counts of shifts are small numbers now and then.
u64 small_or_edge(Random& random, u64 value) { return random.below(2) ? random.below(70) : value; }

template <class O, class Host>
void check_xmm(Report& report, Random& random) {
  for (u32 i = 0; i < rounds; i++) {
    const V128 a = edge_vector(random);
    V128 b = edge_vector(random);
    b[0] = small_or_edge(random, b[0]);
    report.equal<V128>(Host::name, 0, a, b, Host::run(a, b), 0, O::apply(a, b), 0);
  }
}

template <class O, class Host>
void check_both(Report& report, Random& random) {
  check_xmm<O, Host>(report, random);
  for (u32 i = 0; i < rounds; i++) {
    const u64 a = edge64(random), b = small_or_edge(random, edge64(random));
    report.equal<u64>(Host::name, 0, V128{a, 0}, V128{b, 0}, Host::run(a, b), 0, O::apply(a, b), 0);
  }
}

void check_shuffles(Report& report, Random& random) {
  check_both<UnpackLow<u8>, host_code::punpcklbw>(report, random);
  check_both<UnpackLow<u16>, host_code::punpcklwd>(report, random);
  check_both<UnpackLow<u32>, host_code::punpckldq>(report, random);
  check_xmm<UnpackLow<u64>, host_code::punpcklqdq>(report, random);
  check_both<UnpackHigh<u8>, host_code::punpckhbw>(report, random);
  check_both<UnpackHigh<u16>, host_code::punpckhwd>(report, random);
  check_both<UnpackHigh<u32>, host_code::punpckhdq>(report, random);
  check_xmm<UnpackHigh<u64>, host_code::punpckhqdq>(report, random);
  check_both<Pack<i16, i8>, host_code::packsswb>(report, random);
  check_both<Pack<i32, i16>, host_code::packssdw>(report, random);
  check_both<Pack<i16, u8>, host_code::packuswb>(report, random);
}

void check_arithmetic(Report& report, Random& random) {
  check_both<Plus<u8>, host_code::paddb>(report, random);
  check_both<Plus<u64>, host_code::paddq>(report, random);
  check_both<PlusSaturated<i8>, host_code::paddsb>(report, random);
  check_both<PlusSaturated<i16>, host_code::paddsw>(report, random);
  check_both<PlusSaturated<u8>, host_code::paddusb>(report, random);
  check_both<PlusSaturated<u16>, host_code::paddusw>(report, random);
  check_both<Minus<u16>, host_code::psubw>(report, random);
  check_both<Minus<u32>, host_code::psubd>(report, random);
  check_both<MinusSaturated<i8>, host_code::psubsb>(report, random);
  check_both<MinusSaturated<i16>, host_code::psubsw>(report, random);
  check_both<MinusSaturated<u8>, host_code::psubusb>(report, random);
  check_both<MinusSaturated<u16>, host_code::psubusw>(report, random);
  check_both<Average<u8>, host_code::pavgb>(report, random);
  check_both<Average<u16>, host_code::pavgw>(report, random);
  check_both<SumOfDifferences, host_code::psadbw>(report, random);
  check_both<MultiplyLow16, host_code::pmullw>(report, random);
  check_both<MultiplyHighSigned, host_code::pmulhw>(report, random);
  check_both<MultiplyHighUnsigned, host_code::pmulhuw>(report, random);
  check_both<MultiplyWide<u32>, host_code::pmuludq>(report, random);
  check_both<MultiplyAdd<i16, i16, i32>, host_code::pmaddwd>(report, random);
}

void check_comparisons(Report& report, Random& random) {
  check_both<CompareGreater<i8>, host_code::pcmpgtb>(report, random);
  check_both<CompareGreater<i32>, host_code::pcmpgtd>(report, random);
  check_both<CompareEqual<u8>, host_code::pcmpeqb>(report, random);
  check_both<CompareEqual<u16>, host_code::pcmpeqw>(report, random);
  check_both<Lesser<u8>, host_code::pminub>(report, random);
  check_both<Lesser<i16>, host_code::pminsw>(report, random);
  check_both<Greater<u8>, host_code::pmaxub>(report, random);
  check_both<Greater<i16>, host_code::pmaxsw>(report, random);
}

void check_shifts(Report& report, Random& random) {
  check_both<ByOperand<ShiftRight<u16>>, host_code::psrlw>(report, random);
  check_both<ByOperand<ShiftRight<u32>>, host_code::psrld>(report, random);
  check_both<ByOperand<ShiftRight<u64>>, host_code::psrlq>(report, random);
  check_both<ByOperand<ShiftRight<i16>>, host_code::psraw>(report, random);
  check_both<ByOperand<ShiftRight<i32>>, host_code::psrad>(report, random);
  check_both<ByOperand<ShiftLeft<u16>>, host_code::psllw>(report, random);
  check_both<ByOperand<ShiftLeft<u32>>, host_code::pslld>(report, random);
  check_both<ByOperand<ShiftLeft<u64>>, host_code::psllq>(report, random);
}

void check_ssse3(Report& report, Random& random) {
  check_both<ShuffleBytes, host_code::pshufb>(report, random);
  check_both<Horizontal<i16, false, false>, host_code::phaddw>(report, random);
  check_both<Horizontal<i32, false, false>, host_code::phaddd>(report, random);
  check_both<Horizontal<i16, false, true>, host_code::phaddsw>(report, random);
  check_both<Horizontal<i16, true, false>, host_code::phsubw>(report, random);
  check_both<Horizontal<i32, true, false>, host_code::phsubd>(report, random);
  check_both<Horizontal<i16, true, true>, host_code::phsubsw>(report, random);
  check_both<MultiplyAdd<u8, i8, i16>, host_code::pmaddubsw>(report, random);
  check_both<ApplySign<i8>, host_code::psignb>(report, random);
  check_both<ApplySign<i16>, host_code::psignw>(report, random);
  check_both<ApplySign<i32>, host_code::psignd>(report, random);
  check_both<MultiplyHighRounded, host_code::pmulhrsw>(report, random);
  check_both<Absolute<i8>, host_code::pabsb>(report, random);
  check_both<Absolute<i16>, host_code::pabsw>(report, random);
  check_both<Absolute<i32>, host_code::pabsd>(report, random);
}

void check_sse4(Report& report, Random& random) {
  check_xmm<MultiplyWide<i32>, host_code::pmuldq>(report, random);
  check_xmm<MultiplyLow32, host_code::pmulld>(report, random);
  check_xmm<CompareEqual<u64>, host_code::pcmpeqq>(report, random);
  check_xmm<CompareGreater<i64>, host_code::pcmpgtq>(report, random);
  check_xmm<Pack<i32, u16>, host_code::packusdw>(report, random);
  check_xmm<Lesser<i8>, host_code::pminsb>(report, random);
  check_xmm<Lesser<u16>, host_code::pminuw>(report, random);
  check_xmm<Lesser<u32>, host_code::pminud>(report, random);
  check_xmm<Greater<i32>, host_code::pmaxsd>(report, random);
  check_xmm<Greater<u16>, host_code::pmaxuw>(report, random);
  check_xmm<SmallestWord, host_code::phminposuw>(report, random);
  check_xmm<Extend<i8, i16>, host_code::pmovsxbw>(report, random);
  check_xmm<Extend<i8, i64>, host_code::pmovsxbq>(report, random);
  check_xmm<Extend<i32, i64>, host_code::pmovsxdq>(report, random);
  check_xmm<Extend<u8, u32>, host_code::pmovzxbd>(report, random);
  check_xmm<Extend<u16, u64>, host_code::pmovzxwq>(report, random);
  check_xmm<DuplicateLow, host_code::movddup>(report, random);
  check_xmm<DuplicateSingles<1>, host_code::movshdup>(report, random);
  check_xmm<DuplicateSingles<0>, host_code::movsldup>(report, random);
}

}  // namespace

int main() {
  Report report;
  Random random;
  check_shuffles(report, random);
  check_arithmetic(report, random);
  check_comparisons(report, random);
  check_shifts(report, random);
  if (__builtin_cpu_supports("ssse3")) check_ssse3(report, random);
  if (__builtin_cpu_supports("sse4.2")) check_sse4(report, random);
  return report.finish("sse integer");
}

#else

int main() {
  std::puts("sse integer: skipped, the host is not x86-64");
  return 0;
}

#endif
