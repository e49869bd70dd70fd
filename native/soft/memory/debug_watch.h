// SPDX-License-Identifier: BSD-2-Clause
// Data breakpoints (SDM vol. 3, 17.2).
#pragma once

#include "soft/block.h"
#include "soft/cpu.h"

namespace tsbhyve::soft {

/// Linear addresses have 32 bits outside long mode.
inline u64 cut_linear(const Cpu* cpu, u64 lin) { return long_mode(cpu) ? lin : lin & 0xffffffff; }

/// DR7 type field of breakpoint `n`: 0 execute, 1 write, 2 I/O, 3 read or write; and its length in bytes.
inline u32 breakpoint_type(u64 dr7, u32 n) { return static_cast<u32>(dr7 >> (16 + 4 * n)) & 3; }
inline u32 breakpoint_length(u64 dr7, u32 n) {
  constexpr u8 lengths[4] = {1, 2, 8, 4};
  return lengths[(dr7 >> (18 + 4 * n)) & 3];
}
inline bool breakpoint_enabled(u64 dr7, u32 n) { return dr7 & (u64{3} << (2 * n)); }
inline bool any_breakpoint(const Cpu* cpu) { return cpu->dr7 & 0xff; }

/// Notes the breakpoints, of the types in a bit set, that [at, at + size) touches; the trap comes after the
/// instruction.
inline void note_breakpoints(Cpu* cpu, u64 at, u32 size, u32 types) {
  for (u32 n = 0; n < 4; n++) {
    if (!breakpoint_enabled(cpu->dr7, n) || !(types >> breakpoint_type(cpu->dr7, n) & 1)) continue;
    const u64 length = breakpoint_length(cpu->dr7, n), start = cpu->dr[n] & ~(length - 1);
    if (at < start + length && start < at + size) cpu->pending_debug |= 1u << n;
  }
}

inline void watch_data(Cpu* cpu, u64 lin, u32 size, bool is_write) {
  if (any_breakpoint(cpu)) note_breakpoints(cpu, lin, size, is_write ? 1u << 3 | 1u << 1 : 1u << 3);
}

/// CR4.DE gives ports a type of their own (SDM vol. 3, 17.2.4).
inline void watch_port(Cpu* cpu, u16 port, u32 size) {
  if (any_breakpoint(cpu) && (cpu->cr4 & cr4::DE)) note_breakpoints(cpu, port, size, 1u << 2);
}

}  // namespace tsbhyve::soft
