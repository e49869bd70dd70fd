// SPDX-License-Identifier: BSD-2-Clause
// ModRM groups (SDM volume 2, table A-6): ModRM.reg extends the opcode. Members that name no operands take those of
// the opcode that led here.
#include "soft/decode/table.h"

namespace tsbhyve::soft {
namespace {

using enum Opcode;
using enum Form;
constexpr u8 any = AnyPrefix;

constexpr u8 memory = 1, registers = 2, both = 3;

struct GroupRow {
  Group group;
  u8 first, last;  // ModRM.reg
  u8 modes;
  u8 prefixes;
  Entry entry;
};

// clang-format off
constexpr GroupRow rows[] = {
    {Group::G1, 0, 0, both, any, {Add, Lockable}},
    {Group::G1, 1, 1, both, any, {Or, Lockable}},
    {Group::G1, 2, 2, both, any, {Adc, Lockable}},
    {Group::G1, 3, 3, both, any, {Sbb, Lockable}},
    {Group::G1, 4, 4, both, any, {And, Lockable}},
    {Group::G1, 5, 5, both, any, {Sub, Lockable}},
    {Group::G1, 6, 6, both, any, {Xor, Lockable}},
    {Group::G1, 7, 7, both, any, {Cmp, 0}},
    {Group::G1A, 0, 0, both, any, {Pop, 0}},
    {Group::G2, 0, 0, both, any, {Rol, 0}},
    {Group::G2, 1, 1, both, any, {Ror, 0}},
    {Group::G2, 2, 2, both, any, {Rcl, 0}},
    {Group::G2, 3, 3, both, any, {Rcr, 0}},
    {Group::G2, 4, 4, both, any, {Shl, 0}},
    {Group::G2, 5, 5, both, any, {Shr, 0}},
    {Group::G2, 6, 6, both, any, {Shl, 0}},  // SAL, the same operation
    {Group::G2, 7, 7, both, any, {Sar, 0}},
    {Group::G3b, 0, 1, both, any, {Test, 0, Eb, Ib}},
    {Group::G3v, 0, 1, both, any, {Test, 0, Ev, Iz}},
    {Group::G3b, 2, 2, both, any, {Not, Lockable}},
    {Group::G3v, 2, 2, both, any, {Not, Lockable}},
    {Group::G3b, 3, 3, both, any, {Neg, Lockable}},
    {Group::G3v, 3, 3, both, any, {Neg, Lockable}},
    {Group::G3b, 4, 4, both, any, {Mul, 0}},
    {Group::G3v, 4, 4, both, any, {Mul, 0}},
    {Group::G3b, 5, 5, both, any, {Imul1, 0}},
    {Group::G3v, 5, 5, both, any, {Imul1, 0}},
    {Group::G3b, 6, 6, both, any, {Div, 0}},
    {Group::G3v, 6, 6, both, any, {Div, 0}},
    {Group::G3b, 7, 7, both, any, {Idiv, 0}},
    {Group::G3v, 7, 7, both, any, {Idiv, 0}},
    {Group::G4, 0, 0, both, any, {Inc, Lockable}},
    {Group::G4, 1, 1, both, any, {Dec, Lockable}},
    {Group::G5, 0, 0, both, any, {Inc, Lockable, Ev}},
    {Group::G5, 1, 1, both, any, {Dec, Lockable, Ev}},
    {Group::G5, 2, 2, both, any, {CallIndirect, F64, Ev}},
    {Group::G5, 3, 3, memory, any, {CallFar, 0, Mp}},
    {Group::G5, 4, 4, both, any, {JmpIndirect, F64, Ev}},
    {Group::G5, 5, 5, memory, any, {JmpFar, 0, Mp}},
    {Group::G5, 6, 6, both, any, {Push, D64, Ev}},
    {Group::G6, 0, 0, both, any, {Sldt, 0, EvMw}},
    {Group::G6, 1, 1, both, any, {Str, 0, EvMw}},
    {Group::G6, 2, 2, both, any, {Lldt, 0, Ew}},
    {Group::G6, 3, 3, both, any, {Ltr, 0, Ew}},
    {Group::G6, 4, 4, both, any, {Verr, 0, Ew}},
    {Group::G6, 5, 5, both, any, {Verw, 0, Ew}},
    {Group::G7, 0, 0, memory, any, {Sgdt, F64, Ms}},
    {Group::G7, 1, 1, memory, any, {Sidt, F64, Ms}},
    {Group::G7, 2, 2, memory, any, {Lgdt, F64, Ms}},
    {Group::G7, 3, 3, memory, any, {Lidt, F64, Ms}},
    {Group::G7, 4, 4, both, any, {Smsw, 0, EvMw}},
    {Group::G7, 6, 6, both, any, {Lmsw, 0, Ew}},
    {Group::G7, 7, 7, memory, any, {Invlpg, 0, Mb}},
    {Group::G8, 4, 4, both, any, {Bt, 0}},
    {Group::G8, 5, 5, both, any, {Bts, Lockable}},
    {Group::G8, 6, 6, both, any, {Btr, Lockable}},
    {Group::G8, 7, 7, both, any, {Btc, Lockable}},
    {Group::G9, 1, 1, memory, any, {Cmpxchg8b, Lockable, Mcx}},  // CMPXCHG16B with REX.W
    {Group::G11, 0, 0, both, any, {Mov, 0}},
    {Group::G12, 2, 2, registers, NP | P66, {Psrlw, 0}},
    {Group::G12, 4, 4, registers, NP | P66, {Psraw, 0}},
    {Group::G12, 6, 6, registers, NP | P66, {Psllw, 0}},
    {Group::G13, 2, 2, registers, NP | P66, {Psrld, 0}},
    {Group::G13, 4, 4, registers, NP | P66, {Psrad, 0}},
    {Group::G13, 6, 6, registers, NP | P66, {Pslld, 0}},
    {Group::G14, 2, 2, registers, NP | P66, {Psrlq, 0}},
    {Group::G14, 3, 3, registers, P66, {Psrldq, 0}},
    {Group::G14, 6, 6, registers, NP | P66, {Psllq, 0}},
    {Group::G14, 7, 7, registers, P66, {Pslldq, 0}},
    {Group::G15, 0, 0, memory, NP, {Fxsave, 0, Mfx}},
    {Group::G15, 1, 1, memory, NP, {Fxrstor, 0, Mfx}},
    {Group::G15, 2, 2, memory, NP, {Ldmxcsr, 0, Md}},
    {Group::G15, 3, 3, memory, NP, {Stmxcsr, 0, Md}},
    {Group::G15, 4, 4, memory, NP, {Xsave, 0, Mfx}},
    {Group::G15, 5, 5, memory, NP, {Xrstor, 0, Mfx}},
    {Group::G15, 7, 7, memory, NP, {Clflush, 0, Mb}},
    {Group::G15, 0, 0, registers, PF3, {Rdfsbase, Only64, Ry}},
    {Group::G15, 1, 1, registers, PF3, {Rdgsbase, Only64, Ry}},
    {Group::G15, 2, 2, registers, PF3, {Wrfsbase, Only64, Ry}},
    {Group::G15, 3, 3, registers, PF3, {Wrgsbase, Only64, Ry}},
    {Group::G15, 5, 5, registers, NP, {Lfence, 0}},
    {Group::G15, 6, 6, registers, NP, {Mfence, 0}},
    {Group::G15, 7, 7, registers, NP, {Sfence, 0}},
    {Group::G16, 0, 3, memory, any, {Prefetch, 0, Mb}},
    {Group::G16, 4, 7, memory, any, {Nop, 0}},
    {Group::G16, 0, 7, registers, any, {Nop, 0}},
    {Group::Prefetchw, 0, 7, memory, any, {Prefetch, 0, Mb}},
    {Group::Prefetchw, 0, 7, registers, any, {Nop, 0}},
    {Group::Movlps, 0, 7, memory, NP, {Movlps, 0, Vx, Mq}},
    {Group::Movlps, 0, 7, registers, NP, {Movhlps, 0, Vx, Ux}},
    {Group::Movhps, 0, 7, memory, NP, {Movhps, 0, Vx, Mq}},
    {Group::Movhps, 0, 7, registers, NP, {Movlhps, 0, Vx, Ux}},
};
// clang-format on

/// 0F 01 with a register ModRM byte: the whole byte is the opcode.
// clang-format off
constexpr Row group7_registers[] = {
    {0xc1, NP, {Vmcall, 0}},
    {0xc8, NP, {Monitor, 0}},
    {0xc9, NP, {Mwait, 0}},
    {0xca, NP, {Clac, 0}},
    {0xcb, NP, {Stac, 0}},
    {0xd0, NP, {Xgetbv, 0}},
    {0xd1, NP, {Xsetbv, 0}},
    {0xd9, any, {Vmcall, 0}},  // VMMCALL
    {0xe0, 0xe7, any, {Smsw, 0, EvMw}},
    {0xf0, 0xf7, any, {Lmsw, 0, Ew}},
    {0xf8, any, {Swapgs, Only64}},
    {0xf9, any, {Rdtscp, 0}},
};
// clang-format on

constexpr size_t group_count = static_cast<size_t>(Group::Count);
// Index: ModRM.reg, plus 8 for registers.
using GroupMap = std::array<Map<16>, group_count>;

constexpr GroupMap build() {
  GroupMap groups{};
  for (const GroupRow& row : rows) {
    Map<16>& map = groups[static_cast<size_t>(row.group)];
    for (const u8 mode : {memory, registers}) {
      if (!(row.modes & mode)) continue;
      const u8 base = mode == registers ? 8 : 0;
      const Row spread_row{static_cast<u8>(base + row.first), static_cast<u8>(base + row.last), row.prefixes,
                           row.entry};
      spread<16>(map, std::span(&spread_row, 1));
    }
  }
  return groups;
}

constexpr Map<64> build_group7_registers() {
  Map<64> map{};
  spread<64>(map, group7_registers, 0xc0);
  return map;
}

constexpr GroupMap groups = build();
constexpr Map<64> group7_register_map = build_group7_registers();

}  // namespace

const Entry& group_member(Group group, Column column, u8 modrm) {
  const bool is_register = modrm >= 0xc0;
  const auto prefix = static_cast<size_t>(column);
  if (group == Group::G7 && is_register) return group7_register_map[prefix][modrm - 0xc0u];
  return groups[static_cast<size_t>(group)][prefix][(modrm >> 3 & 7u) + (is_register ? 8u : 0u)];
}

}  // namespace tsbhyve::soft
