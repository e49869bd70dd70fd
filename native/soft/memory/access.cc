// SPDX-License-Identifier: BSD-2-Clause
#include "soft/memory/access.h"

#include <algorithm>

#include "engine/guest_ram.h"
#include "soft/apic.h"
#include "soft/block_cache.h"
#include "soft/device_access.h"
#include "soft/leave.h"
#include "soft/memory/debug_watch.h"
#include "soft/memory/physical.h"

namespace tsbhyve::soft {

namespace {

constexpr u64 apic_page_mask = 0xffffff000;
constexpr u64 apic_enabled = u64{1} << 11, apic_x2 = u64{1} << 10;

bool canonical(u64 lin) { return static_cast<u64>(static_cast<i64>(lin << 16) >> 16) == lin; }

/// #AC for unaligned user accesses that asked for it.
void check_alignment(Cpu* cpu, const Op* op, u64 lin, u32 size) {
  if (size <= 8 && (lin & (size - 1)) && cpu->cpl == 3 && (cpu->cr0 & cr0::AM) && (cpu->rflags & rflags::AC)) {
    raise(cpu, op, Vector::AC, 0);
  }
}

/// #GP or #SS for addresses that 64-bit code cannot have; #AC.
void check_address(Cpu* cpu, const Op* op, u64 lin, u32 size, u8 segment) {
  if (cpu->mode & mode_code64 && (!canonical(lin) || !canonical(lin + size - 1))) {
    raise(cpu, op, segment == SS ? Vector::SegmentSS : Vector::GP, 0);
  }
  check_alignment(cpu, op, lin, size);
}

bool is_apic_page(const Cpu* cpu, u64 physical) {
  const u64 base = cpu->apic->base_msr();
  return (base & apic_enabled) && !(base & apic_x2) && (physical & page_mask) == (base & apic_page_mask);
}

/// Widest power of two that an access of `left` bytes at `physical` may be split into.
u32 device_width(u64 physical, u32 left) {
  u32 width = std::min<u32>(8, left);
  while (width & (width - 1)) width &= width - 1;
  while (physical & (width - 1)) width >>= 1;
  return width;
}

void read_device(Cpu* cpu, const Op* op, u64 physical, u8* out, u32 size) {
  require_single(cpu, op);
  // One access where the bus has it; the pieces of an unaligned one otherwise.
  while (size > 0) {
    const u32 width = device_width(physical, size);
    u64 value;
    if (is_apic_page(cpu, physical)) {
      value = width == 4 ? cpu->apic->read(static_cast<u32>(physical & page_offset_mask)) : 0;
    } else {
      value = device_access(cpu, AccessKind::Memory, physical, static_cast<u8>(width), false, 0).value;
    }
    __builtin_memcpy(out, &value, width);
    physical += width;
    out += width;
    size -= width;
  }
}

void write_device(Cpu* cpu, const Op* op, u64 physical, const u8* bytes, u32 size) {
  require_single(cpu, op);
  while (size > 0) {
    const u32 width = device_width(physical, size);
    u64 value = 0;
    __builtin_memcpy(&value, bytes, width);
    if (is_apic_page(cpu, physical)) {
      if (width == 4) cpu->apic->write(static_cast<u32>(physical & page_offset_mask), static_cast<u32>(value));
    } else {
      device_access(cpu, AccessKind::Memory, physical, static_cast<u8>(width), true, value);
    }
    physical += width;
    bytes += width;
    size -= width;
  }
}

u64 translate(Cpu* cpu, u64 lin, Access access, Rights rights) {
  return rights.supervisor ? cpu->mmu->translate(lin, access, true) : cpu->mmu->translate_as(lin, access, rights.cpl);
}

bool serves_fast(const Cpu* cpu, Rights rights) { return !rights.supervisor && rights.cpl == cpu->cpl; }

void read_page(Cpu* cpu, const Op* op, u64 lin, u64 physical, u8* out, u32 size, Rights rights) {
  u8* at = cpu->ram->host_page(physical);
  if (!at) return read_device(cpu, op, physical, out, size);
  host::copy_from(out, at + (physical & page_offset_mask), size);
  if (serves_fast(cpu, rights)) fill_fast(cpu, lin, physical, at, false);
}

/// Lets a write that hits the running block, or a device, find its instruction alone. Before anything has changed.
void prepare_write(Cpu* cpu, const Op* op, u64 physical, u32 size) {
  if (!cpu->ram->host_page(physical) || hits_running_block(cpu, physical, size)) require_single(cpu, op);
}

void write_page(Cpu* cpu, const Op* op, u64 lin, u64 physical, const u8* bytes, u32 size, Rights rights) {
  u8* at = cpu->ram->host_page(physical);
  if (!at) return write_device(cpu, op, physical, bytes, size);
  const u64 page = cpu->ram->page_index(physical);
  const u8 attention = cpu->ram->attention(page);
  if (attention & page_read_only) return;
  if (attention & page_has_code) prepare_write(cpu, op, physical, size);
  host::copy_to(at + (physical & page_offset_mask), bytes, size);
  note_write(cpu, page, attention, physical, size);
  if (serves_fast(cpu, rights)) fill_fast(cpu, lin, physical, at, true);
}

void read_linear(Cpu* cpu, const Op* op, u64 lin, u8* out, u32 size, Rights rights) {
  const u32 first = static_cast<u32>(std::min<u64>(size, page_size - (lin & page_offset_mask)));
  const u64 physical = translate(cpu, lin, Access::Read, rights);
  if (first == size) {
    read_page(cpu, op, lin, physical, out, size, rights);
  } else {
    const u64 second = translate(cpu, cut_linear(cpu, lin + first), Access::Read, rights);
    read_page(cpu, op, lin, physical, out, first, rights);
    read_page(cpu, op, cut_linear(cpu, lin + first), second, out + first, size - first, rights);
  }
  watch_data(cpu, lin, size, false);
}

void write_linear(Cpu* cpu, const Op* op, u64 lin, const u8* bytes, u32 size, Rights rights) {
  const u32 first = static_cast<u32>(std::min<u64>(size, page_size - (lin & page_offset_mask)));
  const u64 physical = translate(cpu, lin, Access::Write, rights);
  if (first == size) {
    write_page(cpu, op, lin, physical, bytes, size, rights);
  } else {
    const u64 second_lin = cut_linear(cpu, lin + first), second = translate(cpu, second_lin, Access::Write, rights);
    prepare_write(cpu, op, physical, first);
    prepare_write(cpu, op, second, size - first);
    // What waits for the device model comes first: the instruction will run again and must find memory as it was.
    const bool second_first = !cpu->ram->host_page(second);
    if (second_first) write_page(cpu, op, second_lin, second, bytes + first, size - first, rights);
    write_page(cpu, op, lin, physical, bytes, first, rights);
    if (!second_first) write_page(cpu, op, second_lin, second, bytes + first, size - first, rights);
  }
  watch_data(cpu, lin, size, true);
}

/// The page on which an access ends. A fault there reports its first byte, the first that the access needs of it.
u64 last_page(const Cpu* cpu, u64 lin, u32 size) { return cut_linear(cpu, lin + size - 1) & page_mask; }

Rights own_rights(const Cpu* cpu) { return {false, cpu->cpl}; }
constexpr Rights implicit_supervisor{true, 0};

void check_system(Cpu* cpu, u64 lin, u32 size) {
  if (long_mode(cpu) && (!canonical(lin) || !canonical(lin + size - 1))) raise(cpu, cpu->current_op, Vector::GP, 0);
}

}  // namespace

u64 load_slow(Cpu* cpu, const Op* op, u64 lin, u32 size, u8 segment) {
  cpu->current_op = op;
  check_address(cpu, op, lin, size, segment);
  u64 value = 0;
  read_linear(cpu, op, lin, reinterpret_cast<u8*>(&value), size, own_rights(cpu));
  return value;
}

void store_slow(Cpu* cpu, const Op* op, u64 lin, u64 value, u32 size, u8 segment) {
  cpu->current_op = op;
  check_address(cpu, op, lin, size, segment);
  write_linear(cpu, op, lin, reinterpret_cast<const u8*>(&value), size, own_rights(cpu));
}

u64 load_for_update_slow(Cpu* cpu, const Op* op, u64 lin, u32 size, u8 segment) {
  cpu->current_op = op;
  check_address(cpu, op, lin, size, segment);
  probe_write(cpu, op, lin, size, segment);
  u64 value = 0;
  read_linear(cpu, op, lin, reinterpret_cast<u8*>(&value), size, own_rights(cpu));
  return value;
}

U128 load128_slow(Cpu* cpu, const Op* op, u64 lin, u8 segment) {
  cpu->current_op = op;
  check_address(cpu, op, lin, 16, segment);
  U128 value;
  read_linear(cpu, op, lin, reinterpret_cast<u8*>(&value), 16, own_rights(cpu));
  return value;
}

void store128_slow(Cpu* cpu, const Op* op, u64 lin, U128 value, u8 segment) {
  cpu->current_op = op;
  check_address(cpu, op, lin, 16, segment);
  write_linear(cpu, op, lin, reinterpret_cast<const u8*>(&value), 16, own_rights(cpu));
}

void probe_write(Cpu* cpu, const Op* op, u64 lin, u32 size, u8 segment) {
  cpu->current_op = op;
  check_address(cpu, op, lin, size, segment);
  const u64 last = last_page(cpu, lin, size);
  const u64 first_physical = cpu->mmu->translate_as(lin, Access::Write, cpu->cpl);
  const u64 last_physical =
      (lin ^ last) & page_mask ? cpu->mmu->translate_as(last, Access::Write, cpu->cpl) : first_physical;
  // A write that will hit the running block must find it alone, before anything has changed.
  for (const u64 physical : {first_physical, last_physical}) {
    if (cpu->ram->host_page(physical) && (cpu->ram->attention(cpu->ram->page_index(physical)) & page_has_code)) {
      require_single(cpu, op);
    }
  }
}

void probe_read(Cpu* cpu, const Op* op, u64 lin, u32 size, u8 segment) {
  cpu->current_op = op;
  check_address(cpu, op, lin, size, segment);
  const u64 last = last_page(cpu, lin, size);
  cpu->mmu->translate_as(lin, Access::Read, cpu->cpl);
  if ((lin ^ last) & page_mask) cpu->mmu->translate_as(last, Access::Read, cpu->cpl);
}

void probe_write_system(Cpu* cpu, u64 lin, u32 size) {
  check_system(cpu, lin, size);
  cpu->mmu->translate(lin, Access::Write, true);
  if ((lin ^ (lin + size - 1)) & page_mask) cpu->mmu->translate(cut_linear(cpu, lin + size - 1), Access::Write, true);
}

template <class T>
T load_system(Cpu* cpu, u64 lin) {
  check_system(cpu, lin, sizeof(T));
  T value;
  read_linear(cpu, cpu->current_op, lin, reinterpret_cast<u8*>(&value), sizeof(T), implicit_supervisor);
  return value;
}

template <class T>
void store_system(Cpu* cpu, u64 lin, T value) {
  check_system(cpu, lin, sizeof(T));
  write_linear(cpu, cpu->current_op, lin, reinterpret_cast<const u8*>(&value), sizeof(T), implicit_supervisor);
}

template <class T>
T load_as(Cpu* cpu, u64 lin, u8 cpl) {
  if (cpl == 3) check_alignment(cpu, cpu->current_op, lin, sizeof(T));
  T value;
  read_linear(cpu, cpu->current_op, lin, reinterpret_cast<u8*>(&value), sizeof(T), {false, cpl});
  return value;
}

template <class T>
void store_as(Cpu* cpu, u64 lin, T value, u8 cpl) {
  if (cpl == 3) check_alignment(cpu, cpu->current_op, lin, sizeof(T));
  write_linear(cpu, cpu->current_op, lin, reinterpret_cast<const u8*>(&value), sizeof(T), {false, cpl});
}

template u8 load_system<u8>(Cpu*, u64);
template u16 load_system<u16>(Cpu*, u64);
template u32 load_system<u32>(Cpu*, u64);
template u64 load_system<u64>(Cpu*, u64);
template void store_system<u8>(Cpu*, u64, u8);
template void store_system<u16>(Cpu*, u64, u16);
template void store_system<u32>(Cpu*, u64, u32);
template void store_system<u64>(Cpu*, u64, u64);
template u16 load_as<u16>(Cpu*, u64, u8);
template u32 load_as<u32>(Cpu*, u64, u8);
template u64 load_as<u64>(Cpu*, u64, u8);
template void store_as<u16>(Cpu*, u64, u16, u8);
template void store_as<u32>(Cpu*, u64, u32, u8);
template void store_as<u64>(Cpu*, u64, u64, u8);

void fill_fast(Cpu* cpu, u64 lin, u64 physical, u8* host, bool writable) {
  if (cpu->fast == cpu->never_fast) return;
  const size_t slot = (lin >> 12) & (fast_entries - 1);
  FastEntry& entry = cpu->fast[slot];
  const u64 page = lin & page_mask;
  if (entry.read_tag != page) entry.write_tag = never_tag(slot);
  entry.read_tag = page;
  entry.host_page = reinterpret_cast<u64>(host);
  entry.addend = entry.host_page - page;
  if (writable && cpu->ram->attention(cpu->ram->page_index(physical)) == 0) entry.write_tag = page;
}

void clear_fast_table(FastEntry* table) {
  for (size_t slot = 0; slot < fast_entries; slot++) table[slot].read_tag = table[slot].write_tag = never_tag(slot);
}

}  // namespace tsbhyve::soft
