// SPDX-License-Identifier: BSD-2-Clause
// The one-byte opcode map (SDM volume 2, table A-2). Prefixes, 0F and D8-DF are handled before it is consulted.
#include "soft/decode/table.h"

namespace tsbhyve::soft {
namespace {

using enum Opcode;
using enum Form;
constexpr u8 any = AnyPrefix;

// clang-format off
constexpr Row rows[] = {
    {0x06, any, {PushSeg, No64, SegES}},
    {0x07, any, {PopSeg, No64, SegES}},
    {0x0e, any, {PushSeg, No64, SegCS}},
    {0x16, any, {PushSeg, No64, SegSS}},
    {0x17, any, {PopSeg, No64, SegSS}},
    {0x1e, any, {PushSeg, No64, SegDS}},
    {0x1f, any, {PopSeg, No64, SegDS}},
    {0x27, any, {Daa, No64 | Byte}},
    {0x2f, any, {Das, No64 | Byte}},
    {0x37, any, {Aaa, No64 | Byte}},
    {0x3f, any, {Aas, No64 | Byte}},
    {0x40, 0x47, any, {Inc, No64, Zv}},
    {0x48, 0x4f, any, {Dec, No64, Zv}},
    {0x50, 0x57, any, {Push, D64, Zv}},
    {0x58, 0x5f, any, {Pop, D64, Zv}},
    {0x60, any, {Pusha, No64}},
    {0x61, any, {Popa, No64}},
    {0x62, any, {Bound, No64, Gv, Ma}},
    {0x63, any, {Arpl, No64, Ew, Gw}},
    {0x68, any, {Push, D64, Iz}},
    {0x69, any, {Imul3, 0, Gv, Ev, Iz}},
    {0x6a, any, {Push, D64, Ibs}},
    {0x6b, any, {Imul3, 0, Gv, Ev, Ibs}},
    {0x6c, any, {Ins, Byte | String}},
    {0x6d, any, {Ins, Max32 | String}},
    {0x6e, any, {Outs, Byte | String}},
    {0x6f, any, {Outs, Max32 | String}},
    {0x70, 0x7f, any, {Jcc, F64, Jb}},
    {0x80, any, {Group::G1, Byte, Eb, Ib}},
    {0x81, any, {Group::G1, 0, Ev, Iz}},
    {0x82, any, {Group::G1, No64 | Byte, Eb, Ib}},
    {0x83, any, {Group::G1, 0, Ev, Ibs}},
    {0x84, any, {Test, Byte, Eb, Gb}},
    {0x85, any, {Test, 0, Ev, Gv}},
    {0x86, any, {Xchg, Byte | Lockable, Eb, Gb}},
    {0x87, any, {Xchg, Lockable, Ev, Gv}},
    {0x88, any, {Mov, Byte, Eb, Gb}},
    {0x89, any, {Mov, 0, Ev, Gv}},
    {0x8a, any, {Mov, Byte, Gb, Eb}},
    {0x8b, any, {Mov, 0, Gv, Ev}},
    {0x8c, any, {MovSeg, 0, EvMw, Sw}},
    {0x8d, any, {Lea, 0, Gv, Mv}},
    {0x8e, any, {MovSeg, 0, Sw, Ew}},
    {0x8f, any, {Group::G1A, D64, Ev}},
    {0x90, any, {Nop, 0}},  // with REX.B the engine takes 91's entry instead
    {0x90, PF3, {Pause, 0}},
    {0x91, 0x97, any, {Xchg, 0, Zv, rAX}},
    {0x98, any, {Cbw, 0}},
    {0x99, any, {Cwd, 0}},
    {0x9a, any, {CallFar, No64, Ap}},
    {0x9b, any, {Fwait, 0}},
    {0x9c, any, {Pushf, D64}},
    {0x9d, any, {Popf, D64}},
    {0x9e, any, {Sahf, 0}},
    {0x9f, any, {Lahf, 0}},
    {0xa0, any, {Mov, Byte, AL, Ob}},
    {0xa1, any, {Mov, 0, rAX, Ov}},
    {0xa2, any, {Mov, Byte, Ob, AL}},
    {0xa3, any, {Mov, 0, Ov, rAX}},
    {0xa4, any, {Movs, Byte | String}},
    {0xa5, any, {Movs, String}},
    {0xa6, any, {Cmps, Byte | String}},
    {0xa7, any, {Cmps, String}},
    {0xa8, any, {Test, Byte, AL, Ib}},
    {0xa9, any, {Test, 0, rAX, Iz}},
    {0xaa, any, {Stos, Byte | String}},
    {0xab, any, {Stos, String}},
    {0xac, any, {Lods, Byte | String}},
    {0xad, any, {Lods, String}},
    {0xae, any, {Scas, Byte | String}},
    {0xaf, any, {Scas, String}},
    {0xb0, 0xb7, any, {Mov, Byte, Zb, Ib}},
    {0xb8, 0xbf, any, {Mov, 0, Zv, Iv}},
    {0xc0, any, {Group::G2, Byte, Eb, Ib}},
    {0xc1, any, {Group::G2, 0, Ev, Ib}},
    {0xc2, any, {Ret, F64, Iw}},
    {0xc3, any, {Ret, F64}},
    {0xc4, any, {LoadFarPointer, No64, Gv, Mp, SegES}},
    {0xc5, any, {LoadFarPointer, No64, Gv, Mp, SegDS}},
    {0xc6, any, {Group::G11, Byte, Eb, Ib}},
    {0xc7, any, {Group::G11, 0, Ev, Iz}},
    {0xc8, any, {Enter, D64, IwIb}},
    {0xc9, any, {Leave, D64}},
    {0xca, any, {RetFar, 0, Iw}},
    {0xcb, any, {RetFar, 0}},
    {0xcc, any, {Int3, 0}},
    {0xcd, any, {Int, 0, Ib}},
    {0xce, any, {Into, No64}},
    {0xcf, any, {Iret, 0}},
    {0xd0, any, {Group::G2, Byte, Eb, One}},
    {0xd1, any, {Group::G2, 0, Ev, One}},
    {0xd2, any, {Group::G2, Byte, Eb, CL}},
    {0xd3, any, {Group::G2, 0, Ev, CL}},
    {0xd4, any, {Aam, No64 | Byte, Ib}},
    {0xd5, any, {Aad, No64 | Byte, Ib}},
    {0xd6, any, {Salc, No64 | Byte}},
    {0xd7, any, {Xlat, Byte}},
    {0xe0, any, {Loopne, F64, Jb}},
    {0xe1, any, {Loope, F64, Jb}},
    {0xe2, any, {Loop, F64, Jb}},
    {0xe3, any, {Jcxz, F64, Jb}},
    {0xe4, any, {In, Byte, AL, Ib}},
    {0xe5, any, {In, Max32, eAX, Ib}},
    {0xe6, any, {Out, Byte, Ib, AL}},
    {0xe7, any, {Out, Max32, Ib, eAX}},
    {0xe8, any, {Call, F64, Jz}},
    {0xe9, any, {Jmp, F64, Jz}},
    {0xea, any, {JmpFar, No64, Ap}},
    {0xeb, any, {Jmp, F64, Jb}},
    {0xec, any, {In, Byte, AL, DX}},
    {0xed, any, {In, Max32, eAX, DX}},
    {0xee, any, {Out, Byte, DX, AL}},
    {0xef, any, {Out, Max32, DX, eAX}},
    {0xf1, any, {Int1, 0}},
    {0xf4, any, {Hlt, 0}},
    {0xf5, any, {Cmc, 0}},
    {0xf6, any, {Group::G3b, Byte, Eb}},
    {0xf7, any, {Group::G3v, 0, Ev}},
    {0xf8, any, {Clc, 0}},
    {0xf9, any, {Stc, 0}},
    {0xfa, any, {Cli, 0}},
    {0xfb, any, {Sti, 0}},
    {0xfc, any, {Cld, 0}},
    {0xfd, any, {Std, 0}},
    {0xfe, any, {Group::G4, Byte, Eb}},
    {0xff, any, {Group::G5, 0}},
};
// clang-format on

/// 00-3D: eight operations in rows of eight, six forms each.
constexpr void spread_arithmetic(OpcodeMap& map) {
  constexpr Opcode operations[] = {Add, Or, Adc, Sbb, And, Sub, Xor, Cmp};
  u8 base = 0;
  for (const Opcode operation : operations) {
    const u16 lockable = operation == Cmp ? u16{0} : Lockable;
    const Entry forms[] = {
        {operation, static_cast<u16>(Byte | lockable), Eb, Gb},
        {operation, lockable, Ev, Gv},
        {operation, Byte, Gb, Eb},
        {operation, 0, Gv, Ev},
        {operation, Byte, AL, Ib},
        {operation, 0, rAX, Iz},
    };
    u8 byte = base;
    for (const Entry& form : forms) {
      const Row row{byte++, any, form};
      spread<256>(map, std::span(&row, 1));
    }
    base = static_cast<u8>(base + 8);
  }
}

constexpr OpcodeMap build() {
  OpcodeMap map{};
  spread<256>(map, rows);
  spread_arithmetic(map);
  return map;
}

}  // namespace

constexpr OpcodeMap one_byte_map = build();
constexpr Entry movsxd_entry{Movsxd, HasModrm, Gv, Ez};

}  // namespace tsbhyve::soft
