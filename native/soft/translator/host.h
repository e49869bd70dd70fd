// SPDX-License-Identifier: BSD-2-Clause
// Which host register holds what while translated code runs.
#pragma once

#include <asmjit/x86.h>

#include <array>
#include <cstddef>

#include "soft/cpu.h"

namespace tsbhyve::soft::host_code {

namespace x86 = asmjit::x86;
using x86::Gp, x86::Mem;

inline constexpr Gp state = x86::rbp;  // Cpu, plus `bias`
inline constexpr Gp fast = x86::r15;   // the table of the current access class
inline constexpr Gp t0 = x86::r11, t1 = x86::r14;
/// Brings the registers and all that is often looked at within reach of a displacement of one byte.
inline constexpr int bias = 128;

inline constexpr u8 in_memory = 0xff;
/// Host register of each guest register on all ways into and out of regions (homes.h): those that instructions imply
/// are the host's own.
inline constexpr std::array<u8, 16> usual_homes = {
    0 /* RAX */, 1 /* RCX */, 2 /* RDX */, 3 /* RBX */, 9 /* RSP */,  10 /* RBP */, 6 /* RSI */, 7 /* RDI */,
    8 /* R8 */,  in_memory,   in_memory,   in_memory,   12 /* R12 */, 13 /* R13 */, in_memory,   in_memory};

/// XMM0 and XMM1 serve within an instruction.
inline bool has_vector_home(u8 guest) { return guest < 14; }
inline x86::Xmm vector_home(u8 guest) { return x86::xmm(guest + 2u); }

inline Gp sized(const Gp& reg, u32 size) {
  switch (size) {
    case 1: return reg.r8();
    case 2: return reg.r16();
    case 4: return reg.r32();
    default: return reg.r64();
  }
}

/// A field of Cpu.
inline Mem field(size_t offset, u32 size = 8) { return x86::ptr(state, static_cast<int>(offset) - bias, size); }
inline Mem slot(u8 guest, u32 size = 8, u32 byte = 0) { return field(offsetof(Cpu, gpr) + guest * 8u + byte, size); }

inline Mem place_slot(size_t index) { return field(offsetof(Cpu, translated.places) + index * 8); }
inline Mem vector_slot(u8 guest) { return field(offsetof(Cpu, xmm) + guest * sizeof(Xmm), 16); }

/// Host instructions by the encoding of a condition (SDM vol. 2, appendix B.1.4.7).
inline constexpr u32 jump_ids[16] = {x86::Inst::kIdJo, x86::Inst::kIdJno, x86::Inst::kIdJb,  x86::Inst::kIdJnb,
                                     x86::Inst::kIdJz, x86::Inst::kIdJnz, x86::Inst::kIdJbe, x86::Inst::kIdJnbe,
                                     x86::Inst::kIdJs, x86::Inst::kIdJns, x86::Inst::kIdJp,  x86::Inst::kIdJnp,
                                     x86::Inst::kIdJl, x86::Inst::kIdJnl, x86::Inst::kIdJle, x86::Inst::kIdJnle};
inline constexpr u32 set_ids[16] = {x86::Inst::kIdSeto, x86::Inst::kIdSetno, x86::Inst::kIdSetb,  x86::Inst::kIdSetnb,
                                    x86::Inst::kIdSetz, x86::Inst::kIdSetnz, x86::Inst::kIdSetbe, x86::Inst::kIdSetnbe,
                                    x86::Inst::kIdSets, x86::Inst::kIdSetns, x86::Inst::kIdSetp,  x86::Inst::kIdSetnp,
                                    x86::Inst::kIdSetl, x86::Inst::kIdSetnl, x86::Inst::kIdSetle, x86::Inst::kIdSetnle};
inline constexpr u32 move_ids[16] = {
    x86::Inst::kIdCmovo, x86::Inst::kIdCmovno, x86::Inst::kIdCmovb,  x86::Inst::kIdCmovnb,
    x86::Inst::kIdCmovz, x86::Inst::kIdCmovnz, x86::Inst::kIdCmovbe, x86::Inst::kIdCmovnbe,
    x86::Inst::kIdCmovs, x86::Inst::kIdCmovns, x86::Inst::kIdCmovp,  x86::Inst::kIdCmovnp,
    x86::Inst::kIdCmovl, x86::Inst::kIdCmovnl, x86::Inst::kIdCmovle, x86::Inst::kIdCmovnle};
inline u32 jump_id(u8 condition) { return jump_ids[condition & 15]; }
inline u32 set_id(u8 condition) { return set_ids[condition & 15]; }
inline u32 move_id(u8 condition) { return move_ids[condition & 15]; }

}  // namespace tsbhyve::soft::host_code

#define CPU_FIELD(name) ::tsbhyve::soft::host_code::field(offsetof(::tsbhyve::soft::Cpu, name), 8)
#define CPU_FIELD32(name) ::tsbhyve::soft::host_code::field(offsetof(::tsbhyve::soft::Cpu, name), 4)
