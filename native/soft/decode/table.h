// SPDX-License-Identifier: BSD-2-Clause
// The shape of the opcode tables: rows as the opcode maps of SDM volume 2 appendix A print them, and the dense arrays
// made of them at compile time.
#pragma once

#include <array>
#include <span>

#include "soft/decode/instruction.h"

namespace tsbhyve::soft {

/// Operand forms in the notation of SDM appendix A.2: the letter says where the operand is, the rest its size.
// clang-format off
enum class Form : u8 {
  None,
  // E: general register or memory by ModRM.rm. v = operand size, z = the same but at most 4, y = 4 or 8 by REX.W
  Eb, Ew, Ed, Ev, Ey, Ez,
  EvMw, EdMb, EdMw,    // the register form is wider than the memory form
  Gb, Gw, Gd, Gv, Gy, Gm,  // G: general register by ModRM.reg; m = the width of code addresses, 8 or 4
  Ry, Rm,              // R: ModRM.rm, registers only
  // M: memory only. p = far pointer, s = GDTR image, a = BOUND's pair, t = 10 bytes, cx = CMPXCHG8B/16B
  Mb, Mw, Md, Mq, Mdq, Mv, My, Mp, Ms, Ma, Mt, Mcx, Menv, Mstate, Mfx,
  Zb, Zv,                // low three bits of the opcode
  AL, AX, rAX, eAX, CL, DX, One,
  Ib, Ibs, Iw, Iz, Iv, IwIb,  // Ibs: sign-extended to the operand size
  Jb, Jz, Ap, Ob, Ov,
  Sw, SegES, SegCS, SegSS, SegDS, SegFS, SegGS, Cd, Dd,
  Vx, Wx, Ww, Wd, Wq, Ux,  // V, W, U: XMM by ModRM.reg, by ModRM.rm or memory, by ModRM.rm only
  Pq, Qq, Qd, Nq,          // P, Q, N: the same for MMX
  PV, QW, QdW, NU,         // MMX, or XMM with the 66 prefix
  ST0, STi,
};
// clang-format on

inline constexpr size_t form_count = static_cast<size_t>(Form::STi) + 1;

// clang-format off
enum class Group : u8 {
  None, G1, G1A, G2, G3b, G3v, G4, G5, G6, G7, G8, G9, G11, G12, G13, G14, G15, G16, Prefetchw, Movlps, Movhps, Count
};
// clang-format on

/// Mandatory prefixes a row is valid with.
inline constexpr u8 NP = 1, P66 = 2, PF3 = 4, PF2 = 8, AnyPrefix = 15;

/// Attributes.
inline constexpr u16 No64 = 1 << 0;       // #UD in 64-bit mode
inline constexpr u16 Only64 = 1 << 1;     // #UD elsewhere
inline constexpr u16 D64 = 1 << 2;        // operand size 8 in 64-bit mode, 2 with the 66 prefix
inline constexpr u16 F64 = 1 << 3;        // operand size 8 in 64-bit mode whatever the prefixes (GenuineIntel)
inline constexpr u16 Max32 = 1 << 4;      // REX.W does not widen
inline constexpr u16 Byte = 1 << 5;       // operand size 1
inline constexpr u16 Lockable = 1 << 6;   // LOCK allowed when the destination is memory
inline constexpr u16 String = 1 << 7;     // REP prefixes repeat
inline constexpr u16 HasModrm = 1 << 8;   // set by the table builders when an operand form needs it
inline constexpr u16 NoMod = 1 << 9;      // ModRM.mod is ignored: always registers
inline constexpr u16 ModeSize = 1 << 10;  // operand size 8 in 64-bit mode, 4 elsewhere

struct Entry {
  Opcode opcode = Opcode::Invalid;
  u16 attributes = 0;
  std::array<Form, 3> forms{};
  Group group = Group::None;

  constexpr Entry() = default;
  constexpr Entry(Opcode operation, u16 flags, Form a = Form::None, Form b = Form::None, Form c = Form::None)
      : opcode(operation), attributes(flags), forms{a, b, c} {}
  /// The group picks the operation by ModRM.reg; forms named here hold for every member that names none.
  constexpr Entry(Group which, u16 flags, Form a = Form::None, Form b = Form::None)
      : attributes(flags), forms{a, b, Form::None}, group(which) {}
};

struct Row {
  u8 first, last, prefixes;
  Entry entry;

  constexpr Row(u8 byte, u8 allowed, const Entry& what) : first(byte), last(byte), prefixes(allowed), entry(what) {}
  constexpr Row(u8 from, u8 to, u8 allowed, const Entry& what)
      : first(from), last(to), prefixes(allowed), entry(what) {}
};

enum class Column : u8 { NoPrefix, Prefix66, PrefixF3, PrefixF2, Count };
inline constexpr size_t columns = static_cast<size_t>(Column::Count);

template <size_t size>
using Map = std::array<std::array<Entry, size>, columns>;
using OpcodeMap = Map<256>;

constexpr bool needs_modrm(const Entry& entry) {
  if (entry.group != Group::None) return true;
  for (const Form form : entry.forms) {
    if (form == Form::None) continue;
    const bool addressed = form >= Form::Eb && form <= Form::Mfx;
    const bool system = form == Form::Sw || form == Form::Cd || form == Form::Dd;
    const bool vector = form >= Form::Vx && form <= Form::NU;
    if (addressed || system || vector) return true;
  }
  return false;
}

/// Spreads rows over a dense map; `base` is the byte that becomes index 0.
template <size_t size>
constexpr void spread(Map<size>& map, std::span<const Row> rows, u8 base = 0) {
  for (const Row& row : rows) {
    Entry entry = row.entry;
    if (needs_modrm(entry)) entry.attributes |= HasModrm;
    for (size_t byte = row.first; byte <= row.last; ++byte)
      for (size_t column = 0; column < columns; ++column)
        if (row.prefixes >> column & 1) map[column][byte - base] = entry;
  }
}

extern const OpcodeMap one_byte_map, map_0f, map_0f38, map_0f3a;

/// 63 in 64-bit mode, where ARPL gives way to MOVSXD.
extern const Entry movsxd_entry;

/// The member of a ModRM group.
const Entry& group_member(Group group, Column column, u8 modrm);

/// D8-DF by their ModRM byte.
const Entry& x87_entry(u8 escape, u8 modrm);

}  // namespace tsbhyve::soft
