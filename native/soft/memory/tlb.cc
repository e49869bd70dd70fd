// SPDX-License-Identifier: BSD-2-Clause
#include "soft/memory/tlb.h"

namespace tsbhyve::soft {

void Tlb::put(const TlbEntry& entry) {
  const size_t slot = tlb_slot(entry.linear_page);
  drop(slot);
  entries_[slot] = entry;
  frames_[slot] = frame_of(entry.physical_page);
  const u64 bit = u64{1} << (slot & 63);
  filled_[slot / 64] |= bit;
  if (!(entry.flags & tlb_global)) local_[slot / 64] |= bit;
  if (entry.page_shift > 12) large_[slot / 64] |= bit;
  if (entry.page_shift > largest_shift) huge_++;
}

void Tlb::drop(size_t slot) {
  const u64 bit = u64{1} << (slot & 63);
  if (!(filled_[slot / 64] & bit)) return;
  if (entries_[slot].page_shift > largest_shift) huge_--;
  filled_[slot / 64] &= ~bit;
  local_[slot / 64] &= ~bit;
  large_[slot / 64] &= ~bit;
  entries_[slot].linear_page = TlbEntry{}.linear_page;
}

}  // namespace tsbhyve::soft
