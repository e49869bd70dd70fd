// SPDX-License-Identifier: BSD-2-Clause
#include "soft/integer/bulk.h"

#include <algorithm>

#include "soft/integer/string.h"

namespace tsbhyve::soft {

namespace {

/// One of the two memory operands: `room` iterations fit into what is left of the page and of the address range.
struct Window {
  u8* host = nullptr;
  u64 room = 0;
};

/// Whether every offset of the segment may be used: 64-bit code, or a flat segment (SDM vol. 3, 5.3 and 3.4.5.1).
bool is_unlimited(const Cpu* cpu, u8 segment, bool is_write) {
  if (cpu->mode & mode_code64) return true;
  constexpr u32 writable_data = 2, expand_down = 4, code = 8;
  const Segment& of = cpu->segment[segment];
  if (of.limit != 0xffffffff || !(of.attributes & segment_present) || (of.attributes & segment_unusable)) return false;
  if (of.attributes & code) return false;
  return !(of.attributes & expand_down) && (!is_write || (of.attributes & writable_data));
}

u64 segment_base(const Cpu* cpu, u8 segment) {
  return cpu->mode & mode_code64 && segment < FS ? 0 : cpu->segment[segment].base;
}

bool checks_alignment(const Cpu* cpu) { return cpu->cpl == 3 && cpu->cr0 & cr0::AM && cpu->rflags & rflags::AC; }

u64 highest_offset(const Op* op) { return cut_address(op, ~u64{0}); }

Window window(const Cpu* cpu, const Op* op, u8 segment, u8 reg, u32 size, bool is_write) {
  if (!is_unlimited(cpu, segment, is_write)) return {};
  const u64 offset = read_by_address_size(cpu, op, reg);
  u64 lin = segment_base(cpu, segment) + offset;
  if (!(cpu->mode & mode_code64)) lin &= 0xffffffff;
  const FastEntry& entry = fast_entry(cpu, lin);
  if ((is_write ? entry.write_tag : entry.read_tag) != (lin & page_mask)) return {};
  const u64 bytes = std::min(page_size - (lin & page_offset_mask), highest_offset(op) - offset);
  return {reinterpret_cast<u8*>(lin + entry.addend), bytes / size};
}

bool possible(const Cpu* cpu) { return !runs_backward(cpu) && !checks_alignment(cpu); }

/// Each element is read before the next is written: a destination just above the source repeats its beginning.
void copy_upward(u8* to, const u8* from, u64 count, u32 size) {
  const u64 bytes = count * size;
  const bool repeats = to > from && to < from + bytes;
  if (!repeats) {
    __builtin_memmove(to, from, bytes);
    return;
  }
  for (u64 at = 0; at < bytes; at += size) __builtin_memmove(to + at, from + at, size);
}

void fill(u8* to, u64 value, u64 count, u32 size) {
  if (size == 1) {
    __builtin_memset(to, static_cast<u8>(value), count);
    return;
  }
  // Doubling what is already there keeps the pattern, as every piece is a whole number of elements.
  const u64 bytes = count * size;
  __builtin_memcpy(to, &value, size);
  for (u64 filled = size; filled < bytes;) {
    const u64 piece = std::min(filled, bytes - filled);
    __builtin_memcpy(to + filled, to, piece);
    filled += piece;
  }
}

}  // namespace

u64 move_many(Cpu* cpu, const Op* op, u64 most, u32 size) {
  if (!possible(cpu)) return 0;
  const Window from = window(cpu, op, op->segment, RSI, size, false);
  const Window to = window(cpu, op, ES, RDI, size, true);
  const u64 count = std::min({most, from.room, to.room});
  if (count == 0) return 0;
  copy_upward(to.host, from.host, count, size);
  step_pointer(cpu, op, RSI, count * size);
  step_pointer(cpu, op, RDI, count * size);
  return count;
}

u64 store_many(Cpu* cpu, const Op* op, u64 most, u32 size) {
  if (!possible(cpu)) return 0;
  const Window to = window(cpu, op, ES, RDI, size, true);
  const u64 count = std::min(most, to.room);
  if (count == 0) return 0;
  fill(to.host, cpu->gpr[RAX], count, size);
  step_pointer(cpu, op, RDI, count * size);
  return count;
}

}  // namespace tsbhyve::soft
