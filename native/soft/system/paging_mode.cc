// SPDX-License-Identifier: BSD-2-Clause
#include "soft/system/paging_mode.h"

#include "soft/memory/mmu.h"
#include "soft/memory/physical.h"
#include "soft/platform.h"
#include "soft/system/descriptor.h"
#include "soft/system/fault.h"
#include "soft/system/model.h"
#include "soft/system/system.h"

namespace tsbhyve::soft {

namespace {

constexpr u64 cr0_writable =
    cr0::PE | cr0::MP | cr0::EM | cr0::TS | cr0::NE | cr0::WP | cr0::AM | u64{cr0::NW} | u64{cr0::CD} | cr0::PG;
constexpr u64 cr4_writable = cr4::TSD | cr4::DE | cr4::PSE | cr4::PAE | cr4::MCE | cr4::PGE | cr4::PCE | cr4::OSFXSR |
                             cr4::OSXMMEXCPT | cr4::UMIP | cr4::FSGSBASE | cr4::PCIDE | cr4::SMEP | cr4::SMAP;
constexpr u64 efer_writable = efer::SCE | efer::LME | efer::NXE;
constexpr u64 cr3_keep_translations = u64{1} << 63;
constexpr u64 cr3_pcid = 0xfff;

[[noreturn]] void refuse(Cpu* cpu) { fault(cpu, Vector::GP, 0); }

u64 beyond_physical(const Cpu* cpu) { return ~((u64{1} << cpu->platform->physical_bits) - 1); }

/// Table 4-8; checked before CR3 or a mode changes, because loading the PDPTEs must not fail any more then.
void check_pdptes(Cpu* cpu, u64 table) {
  const u64 reserved = 0x1e6 | beyond_physical(cpu);
  for (u32 i = 0; i < 4; i++) {
    const u64 entry = read_physical(cpu, (table & 0xffffffe0) + i * 8, 8);
    if ((entry & 1) && (entry & reserved)) refuse(cpu);
  }
}

void check_cr0(Cpu* cpu, u64 value) {
  if (value >> 32) refuse(cpu);
  if ((value & cr0::PG) && !(value & cr0::PE)) refuse(cpu);
  if ((value & u64{cr0::NW}) && !(value & u64{cr0::CD})) refuse(cpu);
  const bool was_paging = cpu->cr0 & cr0::PG, pages = value & cr0::PG;
  if (!was_paging && pages && (cpu->efer & efer::LME)) {
    const bool short_tss = (cpu->tr.attributes & 15) == busy_tss16;
    if (!(cpu->cr4 & cr4::PAE) || (cpu->segment[CS].attributes & segment_long) || short_tss) refuse(cpu);
  }
  if (was_paging && !pages && (code64(cpu) || (cpu->cr4 & cr4::PCIDE))) refuse(cpu);
}

}  // namespace

void write_cr0(Cpu* cpu, u64 value) {
  check_cr0(cpu, value);
  const u64 next = (value & cr0_writable) | cr0::ET;
  const u64 changed = cpu->cr0 ^ next;
  const bool enters_long = (changed & next & cr0::PG) && (cpu->efer & efer::LME);
  const bool loads_pdptes = (next & cr0::PG) && (cpu->cr4 & cr4::PAE) && !long_mode(cpu) && !enters_long &&
                            (changed & (cr0::PG | u64{cr0::CD} | u64{cr0::NW}));
  if (loads_pdptes) check_pdptes(cpu, cpu->cr3);
  cpu->cr0 = next;
  if (changed & cr0::PG) {
    if (enters_long) {
      cpu->efer |= efer::LMA;
    } else {
      cpu->efer &= ~efer::LMA;
    }
    cpu->mmu->flush_all(false);
  } else if (changed & cr0::WP) {
    cpu->mmu->drop_fast();
  }
  if (loads_pdptes) cpu->mmu->load_pdptes();
  update_mode(cpu);
}

void write_cr3(Cpu* cpu, u64 value) {
  const bool tagged = cpu->cr4 & cr4::PCIDE;
  const bool keeps = tagged && (value & cr3_keep_translations);
  if (tagged) value &= ~cr3_keep_translations;
  if (long_mode(cpu)) {
    if (value & beyond_physical(cpu)) refuse(cpu);
  } else {
    value &= 0xffffffff;
  }
  if (uses_pdptes(cpu)) check_pdptes(cpu, value);
  const bool other_pcid = tagged && ((cpu->cr3 ^ value) & cr3_pcid);
  cpu->cr3 = value;
  if (!tagged) {
    cpu->mmu->flush_all(true);
  } else if (!keeps) {
    cpu->mmu->flush_pcid(static_cast<u16>(value & cr3_pcid), true);
  }
  if (other_pcid) cpu->mmu->drop_fast();
  if (uses_pdptes(cpu)) cpu->mmu->load_pdptes();
}

void load_task_cr3(Cpu* cpu, u64 value) {
  cpu->cr3 = value;
  cpu->mmu->flush_all(true);
  if (uses_pdptes(cpu)) cpu->mmu->load_pdptes();
}

void write_cr4(Cpu* cpu, u64 value) {
  if (value & ~(cr4_writable | (has_xsave(cpu) ? u64{cr4::OSXSAVE} : 0))) refuse(cpu);
  const u64 changed = cpu->cr4 ^ value;
  if (long_mode(cpu) && !(value & cr4::PAE)) refuse(cpu);
  if ((changed & value & cr4::PCIDE) && (!long_mode(cpu) || (cpu->cr3 & cr3_pcid))) refuse(cpu);
  const bool pdptes = (cpu->cr0 & cr0::PG) && (value & cr4::PAE) && !long_mode(cpu) &&
                      (changed & (cr4::PAE | cr4::PGE | cr4::PSE | cr4::SMEP));
  if (pdptes) check_pdptes(cpu, cpu->cr3);
  cpu->cr4 = value;
  const bool flushes =
      (changed & (cr4::PGE | cr4::PAE | cr4::PSE)) || (changed & ~value & cr4::PCIDE) || (changed & value & cr4::SMEP);
  if (flushes) {
    cpu->mmu->flush_all(false);
  } else if (changed & (cr4::SMAP | cr4::SMEP | cr4::PCIDE)) {
    cpu->mmu->drop_fast();
  }
  if (pdptes) cpu->mmu->load_pdptes();
  update_mode(cpu);
}

bool write_efer(Cpu* cpu, u64 value) {
  if (value & ~(efer_writable | efer::LMA)) return false;
  const u64 changed = (cpu->efer ^ value) & efer_writable;
  if ((changed & efer::LME) && (cpu->cr0 & cr0::PG)) return false;
  cpu->efer = (value & efer_writable) | (cpu->efer & efer::LMA);
  if (changed & efer::NXE) cpu->mmu->flush_all(false);
  update_mode(cpu);
  return true;
}

}  // namespace tsbhyve::soft
