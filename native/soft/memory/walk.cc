// SPDX-License-Identifier: BSD-2-Clause
// The page walk of the four paging modes (SDM vol. 3, 4.3-4.5): permissions, reserved bits, accessed and dirty bits.
#include "soft/leave.h"
#include "soft/memory/mmu.h"
#include "soft/memory/physical.h"
#include "soft/platform.h"

namespace tsbhyve::soft {

namespace {

/// Bits of a paging-structure entry.
constexpr u64 entry_present = 1, entry_writable = 2, entry_user = 4, entry_accessed = 32, entry_dirty = 64;
constexpr u64 entry_large = 128, entry_global = 256, entry_no_execute = u64{1} << 63;
constexpr u64 entry_address = 0xffffffffff000;

constexpr u64 bits_between(u32 high, u32 low) { return ((u64{2} << high) - 1) & ~((u64{1} << low) - 1); }

/// One level of a paging mode.
struct Level {
  u8 shift;  // lowest linear-address bit that selects the entry
  bool may_be_large;
  u64 large_reserved;  // low address bits that must be zero in an entry that maps a page
};

struct Mode {
  u8 levels;
  u8 entry_size;
  u16 index_mask;
  u64 reserved;  // in every entry, beside the bits above the physical address width
  Level level[4];
};

constexpr Mode legacy_mode{2, 4, 0x3ff, 0, {{22, true, bits_between(21, 21)}, {12, false, 0}}};
constexpr Mode pae_mode{2, 8, 0x1ff, bits_between(62, 52), {{21, true, bits_between(20, 13)}, {12, false, 0}}};
constexpr Mode long_paging{
    4,
    8,
    0x1ff,
    0,
    {{39, false, entry_large}, {30, true, bits_between(29, 13)}, {21, true, bits_between(20, 13)}, {12, false, 0}}};

const Mode& paging_mode(const Cpu* cpu) {
  if (!(cpu->cr4 & cr4::PAE)) return legacy_mode;
  return long_mode(cpu) ? long_paging : pae_mode;
}

/// Where the walk begins; zero flags a PDPTE that is not present.
u64 root_of(const Cpu* cpu, u64 lin) {
  if (!(cpu->cr4 & cr4::PAE)) return cpu->cr3 & 0xfffff000;
  if (long_mode(cpu)) return cpu->cr3 & entry_address;
  return cpu->pdpte[(lin >> 30) & 3];
}

/// The page frame of a large 32-bit entry has its upper bits at 13-20 (PSE-36, SDM vol. 3, table 4-4).
u64 legacy_large_address(u64 entry) { return (entry & 0xffc00000) | ((entry & bits_between(20, 13)) << 19); }

struct Step {
  u64 address;
  u64 entry;
};

/// Sets the bits that this use of the translation must leave in memory. False when an entry changed under the walk.
bool note_use(Cpu* cpu, const Mode& mode, const Step* steps, u32 count, bool is_write) {
  for (u32 i = 0; i < count; i++) {
    const u64 wanted = entry_accessed | (is_write && i + 1 == count ? entry_dirty : 0);
    if ((steps[i].entry & wanted) == wanted) continue;
    if (!set_bits_physical(cpu, steps[i].address, mode.entry_size, steps[i].entry, wanted)) return false;
  }
  return true;
}

}  // namespace

void Mmu::page_fault(u64 lin, Access access, bool user, bool present, bool reserved) {
  const bool fetch_bit =
      access == Access::Execute && ((cpu_->cr4 & cr4::SMEP) || ((cpu_->cr4 & cr4::PAE) && (cpu_->efer & efer::NXE)));
  cpu_->cr2 = lin;
  const u32 error = (present ? 1u : 0) | (access == Access::Write ? 2u : 0) | (user ? 4u : 0) | (reserved ? 8u : 0) |
                    (fetch_bit ? 16u : 0);
  raise(cpu_, cpu_->current_op, Vector::PF, error);
}

bool Mmu::permitted(const TlbEntry& entry, Access access, bool user, bool implicit) const {
  if (!(cpu_->cr0 & cr0::PG)) return true;
  const bool user_page = entry.flags & tlb_user;
  if (user && !user_page) return false;
  if (access == Access::Execute) {
    if (!user && user_page && (cpu_->cr4 & cr4::SMEP)) return false;
    return !(entry.flags & tlb_no_execute);
  }
  if (!user && user_page && (cpu_->cr4 & cr4::SMAP) && (implicit || !(cpu_->rflags & rflags::AC))) return false;
  if (access == Access::Read || (entry.flags & tlb_writable)) return true;
  return !user && !(cpu_->cr0 & cr0::WP);
}

TlbEntry Mmu::walk(u64 lin, Access access, bool user, bool implicit) {
  TlbEntry result;
  result.linear_page = lin & page_mask;
  if (!(cpu_->cr0 & cr0::PG)) {
    result.physical_page = lin & page_mask;
    result.flags = tlb_writable | tlb_user | tlb_dirty;
    return result;
  }
  const Mode& mode = paging_mode(cpu_);
  const bool wide = mode.entry_size == 8;
  const u64 reserved = mode.reserved | (wide ? bits_between(51, cpu_->platform->physical_bits) : 0) |
                       (wide && !(cpu_->efer & efer::NXE) ? entry_no_execute : 0);
  if (cpu_->cr4 & cr4::PCIDE) result.pcid = static_cast<u16>(cpu_->cr3 & 0xfff);
  for (;;) {
    Step steps[4];
    u64 table = root_of(cpu_, lin);
    if (&mode == &pae_mode) {
      if (!(table & entry_present)) page_fault(lin, access, user, false, false);
      table &= entry_address;
    }
    u64 common = entry_writable | entry_user, any = 0, entry = 0;
    u32 count = 0;
    for (;;) {
      const Level& level = mode.level[count];
      Step& step = steps[count++];
      step.address = table + ((lin >> level.shift) & mode.index_mask) * mode.entry_size;
      entry = step.entry = read_physical(cpu_, step.address, mode.entry_size);
      if (!(entry & entry_present)) page_fault(lin, access, user, false, false);
      const bool large = level.may_be_large && (entry & entry_large) && (wide || (cpu_->cr4 & cr4::PSE));
      const u64 must_be_zero = reserved | (large || !level.may_be_large ? level.large_reserved : 0);
      if (entry & must_be_zero) page_fault(lin, access, user, true, true);
      common &= entry;
      any |= entry;
      if (large || level.shift == 12) {
        const u64 offset_mask = (u64{1} << level.shift) - 1;
        const u64 frame = large && !wide ? legacy_large_address(entry) : entry & entry_address & ~offset_mask;
        result.physical_page = frame | (lin & offset_mask & page_mask);
        result.page_shift = level.shift;
        break;
      }
      table = entry & (wide ? entry_address : 0xfffff000);
    }
    const bool dirty = access == Access::Write || (entry & entry_dirty);
    result.flags = static_cast<u8>((common & entry_writable ? tlb_writable : 0) | (common & entry_user ? tlb_user : 0) |
                                   ((entry & entry_global) && (cpu_->cr4 & cr4::PGE) ? tlb_global : 0) |
                                   (any & entry_no_execute ? tlb_no_execute : 0) | (dirty ? tlb_dirty : 0));
    if (!permitted(result, access, user, implicit)) page_fault(lin, access, user, true, false);
    if (note_use(cpu_, mode, steps, count, access == Access::Write)) return result;
  }
}

}  // namespace tsbhyve::soft
