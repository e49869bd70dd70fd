// SPDX-License-Identifier: BSD-2-Clause
// The one family of guest memory accesses. `lin` is a linear address; effective addresses come from address.h.
#pragma once

#include "soft/host/guest_access.h"
#include "soft/op.h"

namespace tsbhyve::soft {

struct U128 {
  u64 low, high;
};

// Slow paths (memory/access.cc): TLB miss, page crossing, MMIO, dirty log, code pages, faults. `segment` chooses #SS or
// #GP for non-canonical addresses. They escape on a fault.
u64 load_slow(Cpu* cpu, const Op* op, u64 lin, u32 size, u8 segment);
void store_slow(Cpu* cpu, const Op* op, u64 lin, u64 value, u32 size, u8 segment);
u64 load_for_update_slow(Cpu* cpu, const Op* op, u64 lin, u32 size, u8 segment);
U128 load128_slow(Cpu* cpu, const Op* op, u64 lin, u8 segment);
void store128_slow(Cpu* cpu, const Op* op, u64 lin, U128 value, u8 segment);

inline const FastEntry& fast_entry(const Cpu* cpu, u64 lin) { return cpu->fast[(lin >> 12) & (fast_entries - 1)]; }

/// The low bits kept in the comparison send accesses that are not naturally aligned to the slow path, which tells
/// page crossings apart.
template <class T>
inline bool fast_hit(u64 tag, u64 lin) {
  return __builtin_expect((lin & (page_mask | (sizeof(T) - 1))) == tag, 1);
}

template <class T>
[[gnu::always_inline]] inline T load_in(Cpu* cpu, const Op* op, u64 lin, u8 segment) {
  const FastEntry& entry = fast_entry(cpu, lin);
  if (fast_hit<T>(entry.read_tag, lin)) {
    return host::load<T>(reinterpret_cast<const void*>(lin + entry.addend));
  }
  return static_cast<T>(load_slow(cpu, op, lin, sizeof(T), segment));
}

template <class T>
[[gnu::always_inline]] inline void store_in(Cpu* cpu, const Op* op, u64 lin, T value, u8 segment) {
  const FastEntry& entry = fast_entry(cpu, lin);
  if (fast_hit<T>(entry.write_tag, lin)) {
    host::store<T>(reinterpret_cast<void*>(lin + entry.addend), value);
    return;
  }
  store_slow(cpu, op, lin, value, sizeof(T), segment);
}

/// The memory operand of `op`.
template <class T>
inline T load(Cpu* cpu, const Op* op, u64 lin) {
  return load_in<T>(cpu, op, lin, op->segment);
}
template <class T>
inline void store(Cpu* cpu, const Op* op, u64 lin, T value) {
  store_in<T>(cpu, op, lin, value, op->segment);
}

/// A load that faults as the store to follow would: for read-modify-write. The store that follows cannot fault.
template <class T>
[[gnu::always_inline]] inline T load_for_update(Cpu* cpu, const Op* op, u64 lin) {
  const FastEntry& entry = fast_entry(cpu, lin);
  if (fast_hit<T>(entry.write_tag, lin)) {
    return host::load<T>(reinterpret_cast<const void*>(lin + entry.addend));
  }
  return static_cast<T>(load_for_update_slow(cpu, op, lin, sizeof(T), op->segment));
}

/// Stack accesses: #SS instead of #GP.
template <class T>
inline T load_stack(Cpu* cpu, const Op* op, u64 lin) {
  return load_in<T>(cpu, op, lin, SS);
}
template <class T>
inline void store_stack(Cpu* cpu, const Op* op, u64 lin, T value) {
  store_in<T>(cpu, op, lin, value, SS);
}

/// 16 bytes, any alignment (aligned forms check and raise #GP(0) themselves, through require_aligned16).
inline U128 load128(Cpu* cpu, const Op* op, u64 lin) {
  const FastEntry& entry = fast_entry(cpu, lin);
  if (__builtin_expect((lin & (page_mask | 15)) == entry.read_tag, 1)) {
    return host::load<U128>(reinterpret_cast<const void*>(lin + entry.addend));
  }
  return load128_slow(cpu, op, lin, op->segment);
}
inline void store128(Cpu* cpu, const Op* op, u64 lin, U128 value) {
  const FastEntry& entry = fast_entry(cpu, lin);
  if (__builtin_expect((lin & (page_mask | 15)) == entry.write_tag, 1)) {
    host::store<U128>(reinterpret_cast<void*>(lin + entry.addend), value);
    return;
  }
  store128_slow(cpu, op, lin, value, op->segment);
}

/// Raises what a write (or read) of [lin, lin + size) would raise, and changes nothing else. For multi-step
/// instructions and state images (FXSAVE, PUSHA, ENTER, CMPXCHG16B). `size` <= 4096.
void probe_write(Cpu* cpu, const Op* op, u64 lin, u32 size, u8 segment);
void probe_read(Cpu* cpu, const Op* op, u64 lin, u32 size, u8 segment);

/// Accesses that the processor makes on its own with supervisor rights: descriptor tables, TSS, exception stacks.
/// cpu->current_op must be set when inside a handler.
template <class T>
T load_system(Cpu* cpu, u64 lin);
template <class T>
void store_system(Cpu* cpu, u64 lin, T value);
void probe_write_system(Cpu* cpu, u64 lin, u32 size);
/// Stack pushes of an exception or far transfer to a stack of privilege `cpl` (user accesses when cpl is 3).
template <class T>
void store_as(Cpu* cpu, u64 lin, T value, u8 cpl);
template <class T>
T load_as(Cpu* cpu, u64 lin, u8 cpl);

}  // namespace tsbhyve::soft
