// SPDX-License-Identifier: BSD-2-Clause
#include "soft/translator/sse_table.h"

#include <array>

namespace tsbhyve::soft {

namespace {

using Table = std::array<SseRow, static_cast<size_t>(Opcode::Count)>;

#define WHOLE(name) table[static_cast<size_t>(Opcode::name)] = {Inst::kId##name, 16, true, false, false};
#define SHUFFLE(name) table[static_cast<size_t>(Opcode::name)] = {Inst::kId##name, 16, true, false, true};
#define FLOAT(name, size) table[static_cast<size_t>(Opcode::name)] = {Inst::kId##name, size, size == 16, true, false};
#define COMPARE(name, size) table[static_cast<size_t>(Opcode::name)] = {Inst::kId##name, size, size == 16, true, true};

// clang-format off
Table make_table() {
  namespace Inst = asmjit::x86::Inst;
  Table table{};
  WHOLE(Punpcklbw) WHOLE(Punpcklwd) WHOLE(Punpckldq) WHOLE(Punpcklqdq) WHOLE(Punpckhbw) WHOLE(Punpckhwd)
  WHOLE(Punpckhdq) WHOLE(Punpckhqdq) WHOLE(Packsswb) WHOLE(Packssdw) WHOLE(Packuswb) WHOLE(Pcmpgtb) WHOLE(Pcmpgtw)
  WHOLE(Pcmpgtd) WHOLE(Pcmpeqb) WHOLE(Pcmpeqw) WHOLE(Pcmpeqd) WHOLE(Psrlw) WHOLE(Psrld) WHOLE(Psrlq) WHOLE(Psraw)
  WHOLE(Psrad) WHOLE(Psllw) WHOLE(Pslld) WHOLE(Psllq) WHOLE(Paddb) WHOLE(Paddw) WHOLE(Paddd) WHOLE(Paddq)
  WHOLE(Paddsb) WHOLE(Paddsw) WHOLE(Paddusb) WHOLE(Paddusw) WHOLE(Psubb) WHOLE(Psubw) WHOLE(Psubd) WHOLE(Psubq)
  WHOLE(Psubsb) WHOLE(Psubsw) WHOLE(Psubusb) WHOLE(Psubusw) WHOLE(Pmullw) WHOLE(Pmulhw) WHOLE(Pmulhuw) WHOLE(Pmuludq)
  WHOLE(Pmaddwd) WHOLE(Psadbw) WHOLE(Pavgb) WHOLE(Pavgw) WHOLE(Pminub) WHOLE(Pminsw) WHOLE(Pmaxub) WHOLE(Pmaxsw)
  WHOLE(Pand) WHOLE(Pandn) WHOLE(Por) WHOLE(Pxor) WHOLE(Andps) WHOLE(Andpd) WHOLE(Andnps) WHOLE(Andnpd) WHOLE(Orps)
  WHOLE(Orpd) WHOLE(Xorps) WHOLE(Xorpd) WHOLE(Unpcklps) WHOLE(Unpcklpd) WHOLE(Unpckhps) WHOLE(Unpckhpd)
  SHUFFLE(Pshufd) SHUFFLE(Pshufhw) SHUFFLE(Pshuflw) SHUFFLE(Shufps) SHUFFLE(Shufpd)
  FLOAT(Addps, 16) FLOAT(Addpd, 16) FLOAT(Addss, 4) FLOAT(Addsd, 8) FLOAT(Subps, 16) FLOAT(Subpd, 16) FLOAT(Subss, 4)
  FLOAT(Subsd, 8) FLOAT(Mulps, 16) FLOAT(Mulpd, 16) FLOAT(Mulss, 4) FLOAT(Mulsd, 8) FLOAT(Divps, 16) FLOAT(Divpd, 16)
  FLOAT(Divss, 4) FLOAT(Divsd, 8) FLOAT(Minps, 16) FLOAT(Minpd, 16) FLOAT(Minss, 4) FLOAT(Minsd, 8) FLOAT(Maxps, 16)
  FLOAT(Maxpd, 16) FLOAT(Maxss, 4) FLOAT(Maxsd, 8) FLOAT(Sqrtps, 16) FLOAT(Sqrtpd, 16) FLOAT(Sqrtss, 4)
  FLOAT(Sqrtsd, 8)
  COMPARE(Cmpps, 16) COMPARE(Cmppd, 16) COMPARE(Cmpss, 4) COMPARE(Cmpsd, 8)
  FLOAT(Cvtps2pd, 8) FLOAT(Cvtpd2ps, 16) FLOAT(Cvtss2sd, 4) FLOAT(Cvtsd2ss, 8) FLOAT(Cvtdq2ps, 16) FLOAT(Cvtdq2pd, 8)
  FLOAT(Cvtps2dq, 16) FLOAT(Cvttps2dq, 16) FLOAT(Cvtpd2dq, 16) FLOAT(Cvttpd2dq, 16)
  // What the host may lack.
  const auto& host = asmjit::CpuInfo::host().features().x86();
  if (host.hasSSSE3()) {
    WHOLE(Pshufb) WHOLE(Phaddw) WHOLE(Phaddd) WHOLE(Phaddsw) WHOLE(Phsubw) WHOLE(Phsubd) WHOLE(Phsubsw)
    WHOLE(Pmaddubsw) WHOLE(Psignb) WHOLE(Psignw) WHOLE(Psignd) WHOLE(Pmulhrsw) WHOLE(Pabsb) WHOLE(Pabsw) WHOLE(Pabsd)
    SHUFFLE(Palignr)
  }
  if (host.hasSSE4_1()) {
    WHOLE(Pmuldq) WHOLE(Pcmpeqq) WHOLE(Packusdw) WHOLE(Pminsb) WHOLE(Pminsd) WHOLE(Pminuw) WHOLE(Pminud)
    WHOLE(Pmaxsb) WHOLE(Pmaxsd) WHOLE(Pmaxuw) WHOLE(Pmaxud) WHOLE(Pmulld)
    SHUFFLE(Pblendw) SHUFFLE(Blendps) SHUFFLE(Blendpd)
  }
  if (host.hasSSE4_2()) {
    WHOLE(Pcmpgtq)
  }
  return table;
}
// clang-format on

}  // namespace

SseRow sse_row(Opcode opcode) {
  static const Table table = make_table();
  return table[static_cast<size_t>(opcode)];
}

}  // namespace tsbhyve::soft
