// SPDX-License-Identifier: BSD-2-Clause
// The 0F 3A opcode map (SDM volume 2, table A-5) up to SSE4.2.
#include "soft/decode/table.h"

namespace tsbhyve::soft {
namespace {

using enum Opcode;
using enum Form;

// clang-format off
constexpr Row rows[] = {
    {0x08, P66, {Roundps, 0, Vx, Wx, Ib}},
    {0x09, P66, {Roundpd, 0, Vx, Wx, Ib}},
    {0x0a, P66, {Roundss, 0, Vx, Wd, Ib}},
    {0x0b, P66, {Roundsd, 0, Vx, Wq, Ib}},
    {0x0c, P66, {Blendps, 0, Vx, Wx, Ib}},
    {0x0d, P66, {Blendpd, 0, Vx, Wx, Ib}},
    {0x0e, P66, {Pblendw, 0, Vx, Wx, Ib}},
    {0x0f, NP | P66, {Palignr, 0, PV, QW, Ib}},
    {0x14, P66, {Pextrb, 0, EdMb, Vx, Ib}},
    {0x15, P66, {Pextrw, 0, EdMw, Vx, Ib}},
    {0x16, P66, {Pextrd, 0, Ey, Vx, Ib}},  // PEXTRQ with REX.W
    {0x17, P66, {Extractps, 0, Ed, Vx, Ib}},
    {0x20, P66, {Pinsrb, 0, Vx, EdMb, Ib}},
    {0x21, P66, {Insertps, 0, Vx, Wd, Ib}},
    {0x22, P66, {Pinsrd, 0, Vx, Ey, Ib}},  // PINSRQ with REX.W
    {0x40, P66, {Dpps, 0, Vx, Wx, Ib}},
    {0x41, P66, {Dppd, 0, Vx, Wx, Ib}},
    {0x42, P66, {Mpsadbw, 0, Vx, Wx, Ib}},
    {0x60, P66, {Pcmpestrm, 0, Vx, Wx, Ib}},
    {0x61, P66, {Pcmpestri, 0, Vx, Wx, Ib}},
    {0x62, P66, {Pcmpistrm, 0, Vx, Wx, Ib}},
    {0x63, P66, {Pcmpistri, 0, Vx, Wx, Ib}},
};
// clang-format on

constexpr OpcodeMap build() {
  OpcodeMap map{};
  spread<256>(map, rows);
  return map;
}

}  // namespace

constexpr OpcodeMap map_0f3a = build();

}  // namespace tsbhyve::soft
