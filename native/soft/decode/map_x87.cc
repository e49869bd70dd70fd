// SPDX-License-Identifier: BSD-2-Clause
// The x87 escapes D8-DF (SDM volume 2, tables ), with the undocumented aliases every processor has.
#include "soft/decode/table.h"

namespace tsbhyve::soft {
namespace {

using enum Opcode;
using enum Form;

struct MemoryRow {
  u8 escape;
  Entry entries[8];  // by ModRM.reg
};

// clang-format off
constexpr MemoryRow memory_rows[] = {
    {0xd8, {{Fadd, 0, ST0, Md}, {Fmul, 0, ST0, Md}, {Fcom, 0, Md}, {Fcomp, 0, Md},
            {Fsub, 0, ST0, Md}, {Fsubr, 0, ST0, Md}, {Fdiv, 0, ST0, Md}, {Fdivr, 0, ST0, Md}}},
    {0xd9, {{Fld, 0, Md}, {}, {Fst, 0, Md}, {Fstp, 0, Md},
            {Fldenv, 0, Menv}, {Fldcw, 0, Mw}, {Fnstenv, 0, Menv}, {Fnstcw, 0, Mw}}},
    {0xda, {{Fiadd, 0, Md}, {Fimul, 0, Md}, {Ficom, 0, Md}, {Ficomp, 0, Md},
            {Fisub, 0, Md}, {Fisubr, 0, Md}, {Fidiv, 0, Md}, {Fidivr, 0, Md}}},
    {0xdb, {{Fild, 0, Md}, {Fisttp, 0, Md}, {Fist, 0, Md}, {Fistp, 0, Md},
            {}, {Fld, 0, Mt}, {}, {Fstp, 0, Mt}}},
    {0xdc, {{Fadd, 0, ST0, Mq}, {Fmul, 0, ST0, Mq}, {Fcom, 0, Mq}, {Fcomp, 0, Mq},
            {Fsub, 0, ST0, Mq}, {Fsubr, 0, ST0, Mq}, {Fdiv, 0, ST0, Mq}, {Fdivr, 0, ST0, Mq}}},
    {0xdd, {{Fld, 0, Mq}, {Fisttp, 0, Mq}, {Fst, 0, Mq}, {Fstp, 0, Mq},
            {Frstor, 0, Mstate}, {}, {Fnsave, 0, Mstate}, {Fnstsw, 0, Mw}}},
    {0xde, {{Fiadd, 0, Mw}, {Fimul, 0, Mw}, {Ficom, 0, Mw}, {Ficomp, 0, Mw},
            {Fisub, 0, Mw}, {Fisubr, 0, Mw}, {Fidiv, 0, Mw}, {Fidivr, 0, Mw}}},
    {0xdf, {{Fild, 0, Mw}, {Fisttp, 0, Mw}, {Fist, 0, Mw}, {Fistp, 0, Mw},
            {Fbld, 0, Mt}, {Fild, 0, Mq}, {Fbstp, 0, Mt}, {Fistp, 0, Mq}}},
};
// clang-format on

struct RegisterRow {
  u8 escape, first, last;  // ModRM bytes
  Entry entry;
};

// clang-format off
constexpr RegisterRow register_rows[] = {
    {0xd8, 0xc0, 0xc7, {Fadd, 0, ST0, STi}},
    {0xd8, 0xc8, 0xcf, {Fmul, 0, ST0, STi}},
    {0xd8, 0xd0, 0xd7, {Fcom, 0, STi}},
    {0xd8, 0xd8, 0xdf, {Fcomp, 0, STi}},
    {0xd8, 0xe0, 0xe7, {Fsub, 0, ST0, STi}},
    {0xd8, 0xe8, 0xef, {Fsubr, 0, ST0, STi}},
    {0xd8, 0xf0, 0xf7, {Fdiv, 0, ST0, STi}},
    {0xd8, 0xf8, 0xff, {Fdivr, 0, ST0, STi}},
    {0xd9, 0xc0, 0xc7, {Fld, 0, STi}},
    {0xd9, 0xc8, 0xcf, {Fxch, 0, STi}},
    {0xd9, 0xd0, 0xd0, {Fnop, 0}},
    {0xd9, 0xd8, 0xdf, {Fstp, 0, STi}},  // alias
    {0xd9, 0xe0, 0xe0, {Fchs, 0}},
    {0xd9, 0xe1, 0xe1, {Fabs, 0}},
    {0xd9, 0xe4, 0xe4, {Ftst, 0}},
    {0xd9, 0xe5, 0xe5, {Fxam, 0}},
    {0xd9, 0xe8, 0xe8, {Fld1, 0}},
    {0xd9, 0xe9, 0xe9, {Fldl2t, 0}},
    {0xd9, 0xea, 0xea, {Fldl2e, 0}},
    {0xd9, 0xeb, 0xeb, {Fldpi, 0}},
    {0xd9, 0xec, 0xec, {Fldlg2, 0}},
    {0xd9, 0xed, 0xed, {Fldln2, 0}},
    {0xd9, 0xee, 0xee, {Fldz, 0}},
    {0xd9, 0xf0, 0xf0, {F2xm1, 0}},
    {0xd9, 0xf1, 0xf1, {Fyl2x, 0}},
    {0xd9, 0xf2, 0xf2, {Fptan, 0}},
    {0xd9, 0xf3, 0xf3, {Fpatan, 0}},
    {0xd9, 0xf4, 0xf4, {Fxtract, 0}},
    {0xd9, 0xf5, 0xf5, {Fprem1, 0}},
    {0xd9, 0xf6, 0xf6, {Fdecstp, 0}},
    {0xd9, 0xf7, 0xf7, {Fincstp, 0}},
    {0xd9, 0xf8, 0xf8, {Fprem, 0}},
    {0xd9, 0xf9, 0xf9, {Fyl2xp1, 0}},
    {0xd9, 0xfa, 0xfa, {Fsqrt, 0}},
    {0xd9, 0xfb, 0xfb, {Fsincos, 0}},
    {0xd9, 0xfc, 0xfc, {Frndint, 0}},
    {0xd9, 0xfd, 0xfd, {Fscale, 0}},
    {0xd9, 0xfe, 0xfe, {Fsin, 0}},
    {0xd9, 0xff, 0xff, {Fcos, 0}},
    {0xda, 0xc0, 0xc7, {Fcmovb, 0, ST0, STi}},
    {0xda, 0xc8, 0xcf, {Fcmove, 0, ST0, STi}},
    {0xda, 0xd0, 0xd7, {Fcmovbe, 0, ST0, STi}},
    {0xda, 0xd8, 0xdf, {Fcmovu, 0, ST0, STi}},
    {0xda, 0xe9, 0xe9, {Fucompp, 0}},
    {0xdb, 0xc0, 0xc7, {Fcmovnb, 0, ST0, STi}},
    {0xdb, 0xc8, 0xcf, {Fcmovne, 0, ST0, STi}},
    {0xdb, 0xd0, 0xd7, {Fcmovnbe, 0, ST0, STi}},
    {0xdb, 0xd8, 0xdf, {Fcmovnu, 0, ST0, STi}},
    {0xdb, 0xe0, 0xe1, {Fnop, 0}},  // FENI, FDISI of the 8087
    {0xdb, 0xe2, 0xe2, {Fnclex, 0}},
    {0xdb, 0xe3, 0xe3, {Fninit, 0}},
    {0xdb, 0xe4, 0xe4, {Fnop, 0}},  // FSETPM of the 287
    {0xdb, 0xe8, 0xef, {Fucomi, 0, ST0, STi}},
    {0xdb, 0xf0, 0xf7, {Fcomi, 0, ST0, STi}},
    {0xdc, 0xc0, 0xc7, {Fadd, 0, STi, ST0}},
    {0xdc, 0xc8, 0xcf, {Fmul, 0, STi, ST0}},
    {0xdc, 0xd0, 0xd7, {Fcom, 0, STi}},   // alias
    {0xdc, 0xd8, 0xdf, {Fcomp, 0, STi}},  // alias
    {0xdc, 0xe0, 0xe7, {Fsubr, 0, STi, ST0}},
    {0xdc, 0xe8, 0xef, {Fsub, 0, STi, ST0}},
    {0xdc, 0xf0, 0xf7, {Fdivr, 0, STi, ST0}},
    {0xdc, 0xf8, 0xff, {Fdiv, 0, STi, ST0}},
    {0xdd, 0xc0, 0xc7, {Ffree, 0, STi}},
    {0xdd, 0xc8, 0xcf, {Fxch, 0, STi}},  // alias
    {0xdd, 0xd0, 0xd7, {Fst, 0, STi}},
    {0xdd, 0xd8, 0xdf, {Fstp, 0, STi}},
    {0xdd, 0xe0, 0xe7, {Fucom, 0, STi}},
    {0xdd, 0xe8, 0xef, {Fucomp, 0, STi}},
    {0xde, 0xc0, 0xc7, {Faddp, 0, STi, ST0}},
    {0xde, 0xc8, 0xcf, {Fmulp, 0, STi, ST0}},
    {0xde, 0xd0, 0xd7, {Fcomp, 0, STi}},  // alias
    {0xde, 0xd9, 0xd9, {Fcompp, 0}},
    {0xde, 0xe0, 0xe7, {Fsubrp, 0, STi, ST0}},
    {0xde, 0xe8, 0xef, {Fsubp, 0, STi, ST0}},
    {0xde, 0xf0, 0xf7, {Fdivrp, 0, STi, ST0}},
    {0xde, 0xf8, 0xff, {Fdivp, 0, STi, ST0}},
    {0xdf, 0xc0, 0xc7, {Ffreep, 0, STi}},
    {0xdf, 0xc8, 0xcf, {Fxch, 0, STi}},  // alias
    {0xdf, 0xd0, 0xdf, {Fstp, 0, STi}},  // alias
    {0xdf, 0xe0, 0xe0, {Fnstsw, 0, AX}},
    {0xdf, 0xe8, 0xef, {Fucomip, 0, ST0, STi}},
    {0xdf, 0xf0, 0xf7, {Fcomip, 0, ST0, STi}},
};
// clang-format on

// Index: ModRM.reg for memory, 8 + the low six bits of ModRM for registers.
using X87Map = std::array<std::array<Entry, 72>, 8>;

constexpr X87Map build() {
  X87Map map{};
  for (const MemoryRow& row : memory_rows)
    for (size_t reg = 0; reg < 8; ++reg) map[row.escape - 0xd8u][reg] = row.entries[reg];
  for (const RegisterRow& row : register_rows)
    for (size_t modrm = row.first; modrm <= row.last; ++modrm) map[row.escape - 0xd8u][modrm - 0xc0 + 8] = row.entry;
  return map;
}

constexpr X87Map x87_map = build();

}  // namespace

const Entry& x87_entry(u8 escape, u8 modrm) {
  const size_t index = modrm >= 0xc0 ? modrm - 0xc0u + 8u : modrm >> 3 & 7u;
  return x87_map[escape - 0xd8u][index];
}

}  // namespace tsbhyve::soft
