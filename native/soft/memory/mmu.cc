// SPDX-License-Identifier: BSD-2-Clause
// The TLB: look-up, replacement, and every way to empty it (SDM vol. 3, 4.10).
#include "soft/memory/mmu.h"

#include "soft/memory/physical.h"
#include "soft/threads/threaded_cpu.h"

namespace tsbhyve::soft {

namespace {

constexpr u64 empty_page = ~u64{0};
constexpr size_t access_classes = static_cast<size_t>(AccessClass::Count);

size_t slot_of(u64 lin) { return (lin >> 12) & (tlb_entries - 1); }

void forget_data(Cpu* cpu, size_t slot) {
  for (size_t i = 0; i < access_classes; i++) {
    cpu->fast_tables[i][slot].read_tag = cpu->fast_tables[i][slot].write_tag = fast_invalid;
  }
}

void forget_code(Cpu* cpu, size_t slot) { cpu->code_page_serial[slot]++; }

/// Empties the entries that `doomed` picks.
template <class Doomed>
void drop_entries(Cpu* cpu, Mmu& mmu, Doomed doomed) {
  serialize(cpu);  // as all instructions do that get here
  for (size_t i = 0; i < tlb_entries; i++) {
    if (mmu.data[i].linear_page != empty_page && doomed(mmu.data[i])) {
      mmu.data[i].linear_page = empty_page;
      forget_data(cpu, i);
    }
    if (mmu.code[i].linear_page != empty_page && doomed(mmu.code[i])) {
      mmu.code[i].linear_page = empty_page;
      forget_code(cpu, i);
    }
  }
}

bool same_mapping(const TlbEntry& entry, u64 lin) { return ((entry.linear_page ^ lin) >> entry.page_shift) == 0; }

}  // namespace

u64 Mmu::translate(u64 lin, Access access, bool supervisor) {
  return translate_mode(lin, access, !supervisor && cpu_->cpl == 3, supervisor);
}

u64 Mmu::translate_as(u64 lin, Access access, u8 cpl) { return translate_mode(lin, access, cpl == 3, false); }

u64 Mmu::translate_mode(u64 lin, Access access, bool user, bool implicit) {
  const size_t slot = slot_of(lin);
  TlbEntry& entry = access == Access::Execute ? code[slot] : data[slot];
  const bool mine = (entry.flags & tlb_global) || entry.pcid == (cpu_->cr4 & cr4::PCIDE ? cpu_->cr3 & 0xfff : 0);
  const bool usable = entry.linear_page == (lin & page_mask) && mine && permitted(entry, access, user, implicit) &&
                      (access != Access::Write || (entry.flags & tlb_dirty));
  if (!usable) {
    if (access == Access::Execute) {
      forget_code(cpu_, slot);
    } else {
      forget_data(cpu_, slot);
    }
    // A fault drops what was cached for the page (SDM vol. 3, 4.10.4.1).
    if (entry.linear_page == (lin & page_mask) && mine) entry.linear_page = empty_page;
    entry = walk(lin, access, user, implicit);
  }
  return entry.physical_page | (lin & page_offset_mask);
}

void Mmu::flush_page(u64 lin) {
  const u16 pcid = cpu_->cr4 & cr4::PCIDE ? static_cast<u16>(cpu_->cr3 & 0xfff) : u16{0};
  drop_entries(cpu_, *this, [=](const TlbEntry& entry) {
    return same_mapping(entry, lin) && ((entry.flags & tlb_global) || entry.pcid == pcid);
  });
}

void Mmu::flush_page_of_pcid(u64 lin, u16 pcid) {
  drop_entries(cpu_, *this, [=](const TlbEntry& entry) {
    return same_mapping(entry, lin) && !(entry.flags & tlb_global) && entry.pcid == pcid;
  });
}

void Mmu::flush_all(bool keep_global) {
  drop_entries(cpu_, *this, [=](const TlbEntry& entry) { return !keep_global || !(entry.flags & tlb_global); });
}

void Mmu::flush_pcid(u16 pcid, bool keep_global) {
  drop_entries(cpu_, *this,
               [=](const TlbEntry& entry) { return entry.flags & tlb_global ? !keep_global : entry.pcid == pcid; });
}

void Mmu::drop_fast() {
  for (size_t i = 0; i < tlb_entries; i++) {
    forget_data(cpu_, i);
    forget_code(cpu_, i);
  }
}

void Mmu::drop_fast_writes() {
  for (auto& table : cpu_->fast_tables) {
    for (FastEntry& entry : table) entry.write_tag = fast_invalid;
  }
}

void Mmu::drop_fast_writes_to(u64 host) {
  for (auto& table : cpu_->fast_tables) {
    for (FastEntry& entry : table) {
      if (entry.write_tag + entry.addend == host) entry.write_tag = fast_invalid;
    }
  }
}

void Mmu::load_pdptes() {
  for (u32 i = 0; i < 4; i++) cpu_->pdpte[i] = read_physical(cpu_, (cpu_->cr3 & 0xffffffe0) + i * 8, 8);
}

}  // namespace tsbhyve::soft
