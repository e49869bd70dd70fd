// SPDX-License-Identifier: BSD-2-Clause
// The 0F 38 opcode map (SDM volume 2, table A-4) up to SSE4.2 and INVPCID.
#include "soft/decode/table.h"

namespace tsbhyve::soft {
namespace {

using enum Opcode;
using enum Form;

// clang-format off
constexpr Row rows[] = {
    {0x00, NP | P66, {Pshufb, 0, PV, QW}},
    {0x01, NP | P66, {Phaddw, 0, PV, QW}},
    {0x02, NP | P66, {Phaddd, 0, PV, QW}},
    {0x03, NP | P66, {Phaddsw, 0, PV, QW}},
    {0x04, NP | P66, {Pmaddubsw, 0, PV, QW}},
    {0x05, NP | P66, {Phsubw, 0, PV, QW}},
    {0x06, NP | P66, {Phsubd, 0, PV, QW}},
    {0x07, NP | P66, {Phsubsw, 0, PV, QW}},
    {0x08, NP | P66, {Psignb, 0, PV, QW}},
    {0x09, NP | P66, {Psignw, 0, PV, QW}},
    {0x0a, NP | P66, {Psignd, 0, PV, QW}},
    {0x0b, NP | P66, {Pmulhrsw, 0, PV, QW}},
    {0x10, P66, {Pblendvb, 0, Vx, Wx}},
    {0x14, P66, {Blendvps, 0, Vx, Wx}},
    {0x15, P66, {Blendvpd, 0, Vx, Wx}},
    {0x17, P66, {Ptest, 0, Vx, Wx}},
    {0x1c, NP | P66, {Pabsb, 0, PV, QW}},
    {0x1d, NP | P66, {Pabsw, 0, PV, QW}},
    {0x1e, NP | P66, {Pabsd, 0, PV, QW}},
    {0x20, P66, {Pmovsxbw, 0, Vx, Wq}},
    {0x21, P66, {Pmovsxbd, 0, Vx, Wd}},
    {0x22, P66, {Pmovsxbq, 0, Vx, Ww}},
    {0x23, P66, {Pmovsxwd, 0, Vx, Wq}},
    {0x24, P66, {Pmovsxwq, 0, Vx, Wd}},
    {0x25, P66, {Pmovsxdq, 0, Vx, Wq}},
    {0x28, P66, {Pmuldq, 0, Vx, Wx}},
    {0x29, P66, {Pcmpeqq, 0, Vx, Wx}},
    {0x2a, P66, {Movntdqa, 0, Vx, Mdq}},
    {0x2b, P66, {Packusdw, 0, Vx, Wx}},
    {0x30, P66, {Pmovzxbw, 0, Vx, Wq}},
    {0x31, P66, {Pmovzxbd, 0, Vx, Wd}},
    {0x32, P66, {Pmovzxbq, 0, Vx, Ww}},
    {0x33, P66, {Pmovzxwd, 0, Vx, Wq}},
    {0x34, P66, {Pmovzxwq, 0, Vx, Wd}},
    {0x35, P66, {Pmovzxdq, 0, Vx, Wq}},
    {0x37, P66, {Pcmpgtq, 0, Vx, Wx}},
    {0x38, P66, {Pminsb, 0, Vx, Wx}},
    {0x39, P66, {Pminsd, 0, Vx, Wx}},
    {0x3a, P66, {Pminuw, 0, Vx, Wx}},
    {0x3b, P66, {Pminud, 0, Vx, Wx}},
    {0x3c, P66, {Pmaxsb, 0, Vx, Wx}},
    {0x3d, P66, {Pmaxsd, 0, Vx, Wx}},
    {0x3e, P66, {Pmaxuw, 0, Vx, Wx}},
    {0x3f, P66, {Pmaxud, 0, Vx, Wx}},
    {0x40, P66, {Pmulld, 0, Vx, Wx}},
    {0x41, P66, {Phminposuw, 0, Vx, Wx}},
    {0x82, P66, {Invpcid, ModeSize, Gm, Mdq}},
    {0xf0, PF2, {Crc32, 0, Gy, Eb}},
    {0xf1, PF2, {Crc32, 0, Gy, Ev}},
};
// clang-format on

constexpr OpcodeMap build() {
  OpcodeMap map{};
  spread<256>(map, rows);
  return map;
}

}  // namespace

constexpr OpcodeMap map_0f38 = build();

}  // namespace tsbhyve::soft
