// SPDX-License-Identifier: BSD-2-Clause
// How integer handlers reach memory: a fast path that makes no call and keeps no register, and one shared slow path.
#pragma once

#include "soft/address.h"
#include "soft/memory.h"

namespace tsbhyve::soft {

/// Where a memory operand lies. Base and Indexed are the flat addresses of 64-bit code (Addressing::Flat64) without
/// and with an index register; General is everything else, and where those go when the fast table does not serve them.
enum class Place : u8 { Base, Indexed, General };

inline Place place_of(const Instruction& instruction) {
  if (addressing_of(instruction) == Addressing::General) return Place::General;
  return instruction.memory.index == no_register ? Place::Base : Place::Indexed;
}

template <Place P>
[[gnu::always_inline]] inline u64 flat_address(const Cpu* cpu, const Op* op) {
  static_assert(P != Place::General);
  if constexpr (P == Place::Indexed) {
    return raw_address(cpu, op);
  } else {
    return read_gpr<u64>(cpu, op->base) + static_cast<u64>(static_cast<i64>(op->displacement));
  }
}

/// Host address of a T at `lin` when the fast table serves it, else null.
template <class T>
[[gnu::always_inline]] inline u8* fast_pointer(const FastEntry& entry, u64 tag, u64 lin) {
  if (!fast_hit<T>(tag, lin)) return nullptr;
  u8* host = reinterpret_cast<u8*>(lin + entry.addend);
  if (host == nullptr) __builtin_unreachable();  // or the caller's test for null would be made a second time
  return host;
}
template <class T>
[[gnu::always_inline]] inline u8* fast_read_pointer(const Cpu* cpu, u64 lin) {
  const FastEntry& entry = fast_entry(cpu, lin);
  return fast_pointer<T>(entry, entry.read_tag, lin);
}
template <class T>
[[gnu::always_inline]] inline u8* fast_write_pointer(const Cpu* cpu, u64 lin) {
  const FastEntry& entry = fast_entry(cpu, lin);
  return fast_pointer<T>(entry, entry.write_tag, lin);
}

template <class T>
[[gnu::always_inline]] inline T peek(const u8* host) {
  return host::load<T>(host);
}
template <class T>
[[gnu::always_inline]] inline void poke(u8* host, T value) {
  host::store<T>(host, value);
}

/// Linear address of `offset` in `segment`. 64-bit code has neither limits nor types (SDM vol. 1, 3.3.7).
inline u64 linear_in(Cpu* cpu, const Op* op, u8 segment, u64 offset, u32 size, bool is_write) {
  if (cpu->mode & mode_code64) return segment >= FS ? cpu->segment[segment].base + offset : offset;
  return segment_address(cpu, op, segment, offset, size, is_write);
}
inline u64 general_address(Cpu* cpu, const Op* op, u32 size, bool is_write) {
  return linear_in(cpu, op, op->segment, effective_address(cpu, op), size, is_write);
}

/// The memory operand by the general path. Out of line: their callers stay small.
template <class T>
[[gnu::noinline]] T general_load(Cpu* cpu, const Op* op) {
  return load<T>(cpu, op, general_address(cpu, op, sizeof(T), false));
}
template <class T>
[[gnu::noinline]] void general_store(Cpu* cpu, const Op* op, T value) {
  store<T>(cpu, op, general_address(cpu, op, sizeof(T), true), value);
}
template <class T>
[[gnu::noinline]] T general_load_for_update(Cpu* cpu, const Op* op) {
  return load_for_update<T>(cpu, op, general_address(cpu, op, sizeof(T), true));
}

}  // namespace tsbhyve::soft
