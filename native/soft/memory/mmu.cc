// SPDX-License-Identifier: BSD-2-Clause
// The TLB: look-up, replacement, and every way to empty it (SDM vol. 3, 4.10).
#include "soft/memory/mmu.h"

#include <algorithm>

#include "soft/block_cache.h"
#include "soft/memory/physical.h"
#include "soft/threads/threaded_cpu.h"

namespace tsbhyve::soft {

namespace {

static_assert(fast_entries == tlb_entries && code_pages == tlb_entries);

void forget_data(Cpu* cpu, size_t slot) {
  for (auto& table : cpu->fast_tables) table[slot].read_tag = table[slot].write_tag = never_tag(slot);
}

void forget_writes(Cpu* cpu, size_t slot) {
  for (auto& table : cpu->fast_tables) table[slot].write_tag = never_tag(slot);
}

constexpr auto all = [](const Tlb& tlb, auto visit) { tlb.each(visit); };
constexpr auto all_local = [](const Tlb& tlb, auto visit) { tlb.each_local(visit); };
auto all_near(u64 lin) {
  return [lin](const Tlb& tlb, auto visit) { tlb.each_near(lin, visit); };
}

constexpr auto any_entry = [](const TlbEntry&) { return true; };

bool same_mapping(const TlbEntry& entry, u64 lin) { return ((entry.linear_page ^ lin) >> entry.page_shift) == 0; }

}  // namespace

Mmu::Mmu(Cpu* cpu) : cpu_(cpu) { std::fill_n(cpu->code_page_serial, code_pages, PageSerials::none); }

/// While the entry is still there.
void Mmu::forget_code(size_t slot) {
  cpu_->code_page_serial[slot] = PageSerials::none;
  if (!straddled_[slot]) return;
  straddled_[slot] = false;
  cpu_->blocks->forget_jumps_onto(code[slot].physical_page);
}

void Mmu::drop(Tlb& tlb, size_t slot) {
  if (&tlb == &code)
    forget_code(slot);
  else
    forget_data(cpu_, slot);
  tlb.drop(slot);
}

/// Empties the entries that `doomed` picks of those that `each(tlb, visit)` visits.
template <class Each, class Doomed>
void Mmu::drop_entries(Each each, Doomed doomed) {
  serialize(cpu_);  // as all instructions do that get here
  for (Tlb* const tlb : {&data, &code}) {
    each(*tlb, [&](size_t slot) {
      if (doomed((*tlb)[slot])) drop(*tlb, slot);
    });
  }
}

u32 Mmu::code_serial(u64 lin) {
  const size_t slot = tlb_slot(lin);
  u32& serial = cpu_->code_page_serial[slot];
  if (serial != PageSerials::none) return serial;
  const TlbEntry& entry = code[slot];
  const PageSerials::Mapping mapping = {entry.linear_page, entry.physical_page, (entry.flags & tlb_user) != 0,
                                        (cpu_->cr4 & cr4::SMEP) != 0};
  serial = serials_.of(mapping);
  if (serial != PageSerials::none) [[likely]]
    return serial;
  for (JumpEntry& jump : cpu_->jumps) jump = {};
  std::fill_n(cpu_->code_page_serial, code_pages, PageSerials::none);
  serials_.start_again();
  return serial = serials_.of(mapping);
}

void Mmu::straddled(u64 lin) { straddled_[tlb_slot(lin)] = true; }

u64 Mmu::translate(u64 lin, Access access, bool supervisor) {
  return translate_mode(lin, access, !supervisor && cpu_->cpl == 3, supervisor);
}

u64 Mmu::translate_as(u64 lin, Access access, u8 cpl) { return translate_mode(lin, access, cpl == 3, false); }

u64 Mmu::translate_mode(u64 lin, Access access, bool user, bool implicit) {
  const size_t slot = tlb_slot(lin);
  Tlb& tlb = access == Access::Execute ? code : data;
  const TlbEntry& entry = tlb[slot];
  const bool mine = (entry.flags & tlb_global) || entry.pcid == (cpu_->cr4 & cr4::PCIDE ? cpu_->cr3 & 0xfff : 0);
  const bool usable = entry.linear_page == (lin & page_mask) && mine && permitted(entry, access, user, implicit) &&
                      (access != Access::Write || (entry.flags & tlb_dirty));
  if (!usable) {
    if (access == Access::Execute)
      forget_code(slot);
    else
      forget_data(cpu_, slot);
    // A fault drops what was cached for the page (SDM vol. 3, 4.10.4.1).
    if (entry.linear_page == (lin & page_mask) && mine) tlb.drop(slot);
    tlb.put(walk(lin, access, user, implicit));
  }
  return entry.physical_page | (lin & page_offset_mask);
}

void Mmu::flush_page(u64 lin) {
  const u16 pcid = cpu_->cr4 & cr4::PCIDE ? static_cast<u16>(cpu_->cr3 & 0xfff) : u16{0};
  drop_entries(all_near(lin), [=](const TlbEntry& entry) {
    return same_mapping(entry, lin) && ((entry.flags & tlb_global) || entry.pcid == pcid);
  });
}

void Mmu::flush_page_of_pcid(u64 lin, u16 pcid) {
  drop_entries(all_near(lin), [=](const TlbEntry& entry) {
    return same_mapping(entry, lin) && !(entry.flags & tlb_global) && entry.pcid == pcid;
  });
}

void Mmu::flush_all(bool keep_global) {
  if (keep_global)
    drop_entries(all_local, any_entry);
  else
    drop_entries(all, any_entry);
}

void Mmu::flush_pcid(u16 pcid, bool keep_global) {
  const auto is_local = [=](const TlbEntry& entry) { return entry.pcid == pcid; };
  if (keep_global)
    drop_entries(all_local, is_local);
  else
    drop_entries(all, [=](const TlbEntry& entry) { return entry.flags & tlb_global || is_local(entry); });
}

void Mmu::drop_fast() {
  data.each([this](size_t slot) { forget_data(cpu_, slot); });
  code.each([this](size_t slot) { forget_code(slot); });
}

void Mmu::drop_fast_writes() {
  data.each([this](size_t slot) { forget_writes(cpu_, slot); });
}

void Mmu::drop_fast_writes_to(u64 physical) {
  data.each_of_frame(physical, [this](size_t slot) { forget_writes(cpu_, slot); });
}

void Mmu::load_pdptes() {
  for (u32 i = 0; i < 4; i++) cpu_->pdpte[i] = read_physical(cpu_, (cpu_->cr3 & 0xffffffe0) + i * 8, 8);
}

}  // namespace tsbhyve::soft
