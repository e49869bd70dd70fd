// SPDX-License-Identifier: BSD-2-Clause
#include "guest_tables.h"

#include <cstring>
#include <initializer_list>
#include <iterator>

namespace tsbhyve::differential {

namespace {

// Pages of the system area.
constexpr u64 pml4 = 0, pdpt = 1, low_directory = 2, high_directory = 3, way_directory = 4, first_table = 5,
              descriptors = 9, interrupts = 10, tss = 11;
constexpr u64 gdt_offset = 0, gdt_bytes = 0x80, ldt_offset = 0x100;
constexpr u16 kernel_code = 0x10, ldt_in_gdt = 0x40, tss_in_gdt = 0x50;

constexpr u32 tss_limit = 0x67;

constexpr u64 present = 1, writable = 2, user = 4, accessed = 32, dirty = 64, no_execute = u64{1} << 63;
constexpr u64 leaf = present | accessed | dirty;

u64 page(u64 number) { return system_base + number * page_size; }

class Area {
 public:
  explicit Area(u8* host) : host_(host) {}

  void put(u64 address, u64 value) { std::memcpy(host_ + (address - system_base), &value, sizeof(value)); }

  void map(u64 directory, u64 table_page, u64 lin, u64 attributes) {
    put(page(pdpt) + (lin >> 30 & 511) * 8, page(directory) | present | writable | user | accessed);
    put(page(directory) + (lin >> 21 & 511) * 8, page(table_page) | present | writable | user | accessed);
    if (attributes) put(page(table_page) + (lin >> 12 & 511) * 8, lin | attributes);
  }

 private:
  u8* host_;
};

u64 descriptor(u64 base, u32 limit, u64 attributes) {
  return (limit & 0xffff) | (base & 0xffffff) << 16 | attributes << 40 | u64{limit >> 16 & 15} << 48 |
         (base >> 24 & 0xff) << 56;
}

constexpr u64 type_accessed = 1, code_or_data = 0x10, dpl3 = 0x60, valid = 0x80, long_code = 0x2000, big = 0x4000,
              pages = 0x8000;
constexpr u64 available = 0x1000;

/// As Linux writes it: accessed from the start, AVL from user_desc.useable, which the host side leaves clear.
u64 ldt_descriptor(const LdtEntry& entry) {
  u64 attributes = type_accessed | u64{entry.contents} << 2 | code_or_data | dpl3;
  if (!entry.read_only) attributes |= 2;
  if (entry.present) attributes |= valid;
  if (entry.big) attributes |= big;
  return descriptor(entry.base, entry.limit, attributes);
}

u64 gdt_descriptor(u16 selector) {
  switch (selector) {
    case kernel_code: return descriptor(0, 0xfffff, 0xb | code_or_data | valid | long_code | pages);
    case flat_code32: return descriptor(0, 0xfffff, 0xb | code_or_data | dpl3 | valid | big | pages);
    case flat_data: return descriptor(0, 0xfffff, 0x3 | code_or_data | dpl3 | valid | big | pages);
    case flat_code64: return descriptor(0, 0xfffff, 0xb | code_or_data | dpl3 | valid | long_code | pages);
    default: return 0;
  }
}

void write_descriptors(Area& area) {
  const u64 gdt = page(descriptors) + gdt_offset, ldt = page(descriptors) + ldt_offset;
  for (const u16 selector : {kernel_code, flat_code32, flat_data, flat_code64}) {
    area.put(gdt + (selector & 0xfff8u), gdt_descriptor(selector));
  }
  area.put(gdt + ldt_in_gdt, descriptor(ldt, sizeof(u64) * std::size(ldt_entries) - 1, 0x2 | valid));
  area.put(gdt + tss_in_gdt, descriptor(page(tss), tss_limit, 0xb | valid));
  for (size_t i = 0; i < std::size(ldt_entries); i++) area.put(ldt + i * 8, ldt_descriptor(ldt_entries[i]));
}

/// Every vector halts. INT3, INTO and the end of the code come from user mode.
void write_interrupts(Area& area, u8* host) {
  for (u64 vector = 0; vector < 256; vector++) {
    const u64 stub = stub_base + vector * stub_stride;
    const bool from_user = vector == Vector::BP || vector == Vector::OF || vector == 0x80;
    const u64 attributes = 0x8e00u | (from_user ? u64{dpl3} << 8 : 0);
    area.put(page(interrupts) + vector * 16,
             (stub & 0xffff) | u64{kernel_code} << 16 | attributes << 32 | (stub >> 16) << 48);
    area.put(page(interrupts) + vector * 16 + 8, stub >> 32);
    host[stub - system_base] = 0xf4;
  }
}

}  // namespace

void write_tables(u8* host) {
  Area area(host);
  area.put(page(pml4), page(pdpt) | present | writable | user | accessed);
  for (u64 i = 0; i < system_pages; i++) area.map(high_directory, first_table, page(i), leaf | writable);
  for (u64 i = 0; i < window_pages; i++) {
    const u64 lin = window_base + i * page_size;
    const bool absent = lin == writable_end;
    area.map(low_directory, first_table + 1, lin,
             absent ? 0 : leaf | user | no_execute | (lin == read_only_page ? 0 : writable));
  }
  area.map(low_directory, first_table + 2, code_base, leaf | user);
  area.map(way_directory, first_table + 3, way_back, leaf | user);
  write_descriptors(area);
  write_interrupts(area, host);
  area.put(page(tss) + 4, stack_top);                    // RSP0
  area.put(page(tss) + 0x60, u64{tss_limit + 1} << 48);  // I/O map base: beyond the limit, so no port is allowed
}

void load_system_registers(Cpu& cpu) {
  cpu.cr0 = cr0::PG | cr0::AM | cr0::WP | cr0::NE | cr0::ET | cr0::MP | cr0::PE;
  cpu.cr3 = page(pml4);
  cpu.cr4 = cr4::PAE | cr4::PGE | cr4::OSFXSR | cr4::OSXMMEXCPT | cr4::FSGSBASE;
  cpu.efer = efer::SCE | efer::LME | efer::LMA | efer::NXE;
  cpu.gdtr_base = page(descriptors) + gdt_offset;
  cpu.gdtr_limit = gdt_bytes - 1;
  cpu.idtr_base = page(interrupts);
  cpu.idtr_limit = 0xfff;
  cpu.ldtr = {page(descriptors) + ldt_offset, sizeof(u64) * std::size(ldt_entries) - 1, 0x82, ldt_in_gdt};
  cpu.tr = {page(tss), tss_limit, 0x8b, tss_in_gdt};
}

Segment segment_for(u16 selector) {
  if ((selector & 0xfffc) == 0) return {0, 0, segment_unusable | 0x60u, selector};
  const u64 raw = selector & 4 ? ldt_descriptor(ldt_entries[selector >> 3]) : gdt_descriptor(selector);
  const auto attributes = static_cast<u32>(raw >> 40) & 0xf0ff;
  const u64 base = (raw >> 16 & 0xffffff) | (raw >> 56 << 24);
  const u32 raw_limit = static_cast<u32>((raw & 0xffff) | (raw >> 32 & 0xf0000));
  const u32 limit = attributes & pages ? raw_limit << 12 | 0xfff : raw_limit;
  return {base, limit, attributes, selector};
}

}  // namespace tsbhyve::differential
