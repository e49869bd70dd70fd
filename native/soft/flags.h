// SPDX-License-Identifier: BSD-2-Clause
// Setting, reading and testing the status flags.
#pragma once

#include "soft/cpu.h"

namespace tsbhyve::soft {

template <class T>
inline constexpr u32 width_code = sizeof(T) == 1   ? 0
                                  : sizeof(T) == 2 ? 1
                                  : sizeof(T) == 4 ? 2
                                                   : 3;

template <class T>
inline void set_lazy(Cpu* cpu, FlagKind kind, T result, T left, T right) {
  cpu->lazy.kind = static_cast<u32>(kind) | width_code<T>;
  cpu->lazy.result = result;
  cpu->lazy.left = left;
  cpu->lazy.right = right;
}

template <class T>
inline void set_logic_flags(Cpu* cpu, T result) {
  cpu->lazy.kind = static_cast<u32>(FlagKind::Logic) | width_code<T>;
  cpu->lazy.result = result;
}

/// Carries out of every bit of left + right (+ carry) = result; borrows for Sub (Warren, Hacker's Delight 2-13).
inline u64 carry_vector(u64 left, u64 right, u64 result) { return (left & right) | ((left | right) & ~result); }
inline u64 borrow_vector(u64 left, u64 right, u64 result) { return (~left & right) | ((~left | right) & result); }

inline u32 parity_flag(u64 result) { return __builtin_parityll(result & 0xff) ? 0 : flag_pf; }

inline u32 lazy_width_bits(u32 kind) { return 8u << (kind & 3); }

inline bool carry_flag(const Cpu* cpu) {
  const LazyFlags& lazy = cpu->lazy;
  const u32 top = lazy_width_bits(lazy.kind) - 1;
  switch (static_cast<FlagKind>(lazy.kind & ~3u)) {
    case FlagKind::Add: return (carry_vector(lazy.left, lazy.right, lazy.result) >> top) & 1;
    case FlagKind::Sub: return (borrow_vector(lazy.left, lazy.right, lazy.result) >> top) & 1;
    case FlagKind::Logic: return false;
    case FlagKind::Inc:
    case FlagKind::Dec: return lazy.left != 0;
    case FlagKind::Eager: break;
  }
  return cpu->rflags & flag_cf;
}

inline bool zero_flag(const Cpu* cpu) {
  return cpu->lazy.kind == static_cast<u32>(FlagKind::Eager) ? (cpu->rflags & flag_zf) != 0 : cpu->lazy.result == 0;
}

inline bool sign_flag(const Cpu* cpu) {
  if (cpu->lazy.kind == static_cast<u32>(FlagKind::Eager)) return cpu->rflags & flag_sf;
  return (cpu->lazy.result >> (lazy_width_bits(cpu->lazy.kind) - 1)) & 1;
}

inline bool overflow_flag(const Cpu* cpu) {
  const LazyFlags& lazy = cpu->lazy;
  const u32 top = lazy_width_bits(lazy.kind) - 1;
  switch (static_cast<FlagKind>(lazy.kind & ~3u)) {
    case FlagKind::Add: return (((lazy.left ^ lazy.result) & (lazy.right ^ lazy.result)) >> top) & 1;
    case FlagKind::Sub: return (((lazy.left ^ lazy.right) & (lazy.left ^ lazy.result)) >> top) & 1;
    case FlagKind::Logic: return false;
    case FlagKind::Inc: return lazy.result == u64{1} << top;
    case FlagKind::Dec: return lazy.result == (u64{1} << top) - 1;
    case FlagKind::Eager: break;
  }
  return cpu->rflags & flag_of;
}

inline bool adjust_flag(const Cpu* cpu) {
  const LazyFlags& lazy = cpu->lazy;
  switch (static_cast<FlagKind>(lazy.kind & ~3u)) {
    case FlagKind::Add:
    case FlagKind::Sub: return (lazy.left ^ lazy.right ^ lazy.result) & 0x10;
    case FlagKind::Logic: return false;  // undefined by the SDM; hardware clears it
    case FlagKind::Inc: return (lazy.result & 0xf) == 0;
    case FlagKind::Dec: return (lazy.result & 0xf) == 0xf;
    case FlagKind::Eager: break;
  }
  return cpu->rflags & flag_af;
}

inline bool parity_set(const Cpu* cpu) {
  return cpu->lazy.kind == static_cast<u32>(FlagKind::Eager) ? (cpu->rflags & flag_pf) != 0
                                                             : parity_flag(cpu->lazy.result) != 0;
}

/// The six status flags as EFLAGS bits.
inline u32 read_status_flags(const Cpu* cpu) {
  if (cpu->lazy.kind == static_cast<u32>(FlagKind::Eager)) return static_cast<u32>(cpu->rflags) & status_flags;
  return (carry_flag(cpu) ? flag_cf : 0) | (parity_set(cpu) ? flag_pf : 0) | (adjust_flag(cpu) ? flag_af : 0) |
         (zero_flag(cpu) ? flag_zf : 0) | (sign_flag(cpu) ? flag_sf : 0) | (overflow_flag(cpu) ? flag_of : 0);
}

/// Replaces all six status flags.
inline void write_status_flags(Cpu* cpu, u32 flags) {
  cpu->rflags = (cpu->rflags & ~u64{status_flags}) | (flags & status_flags);
  cpu->lazy.kind = static_cast<u32>(FlagKind::Eager);
}

/// Replaces the flags in `which`, keeps the others.
inline void change_status_flags(Cpu* cpu, u32 which, u32 flags) {
  write_status_flags(cpu, (read_status_flags(cpu) & ~which) | (flags & which));
}

/// SF, ZF and PF of a result, for operations that compute CF, OF and AF themselves.
template <class T>
inline u32 result_flags(T result) {
  return (result == 0 ? flag_zf : 0) | ((result >> (sizeof(T) * 8 - 1)) & 1 ? flag_sf : 0) | parity_flag(result);
}

inline u64 read_rflags(const Cpu* cpu) { return (cpu->rflags & ~u64{status_flags}) | read_status_flags(cpu); }

/// Condition codes of Jcc, SETcc and CMOVcc (SDM vol. 2, appendix B.1.4.7).
template <u8 Condition>
inline bool condition_holds(const Cpu* cpu) {
  bool holds = false;
  switch (Condition >> 1) {
    case 0: holds = overflow_flag(cpu); break;
    case 1: holds = carry_flag(cpu); break;
    case 2: holds = zero_flag(cpu); break;
    case 3: holds = carry_flag(cpu) || zero_flag(cpu); break;
    case 4: holds = sign_flag(cpu); break;
    case 5: holds = parity_set(cpu); break;
    case 6: holds = sign_flag(cpu) != overflow_flag(cpu); break;
    default: holds = zero_flag(cpu) || sign_flag(cpu) != overflow_flag(cpu); break;
  }
  return holds != ((Condition & 1) != 0);
}

}  // namespace tsbhyve::soft
