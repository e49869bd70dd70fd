// SPDX-License-Identifier: BSD-2-Clause
// A translation look-aside buffer, direct-mapped. What a guest can see of it are exactly its entries: they are saved.
// Emptying it takes as long as there are entries to empty.
#pragma once

#include <bit>

#include "soft/types.h"

namespace tsbhyve::soft {

/// One translation, always of 4 KiB.
struct TlbEntry {
  u64 linear_page = ~u64{0};  // page address; all ones: empty
  u64 physical_page = 0;
  u16 pcid = 0;
  u8 flags = 0;
  u8 page_shift = 12;  // of the mapping it came from: INVLPG drops all of a large page

  bool operator==(const TlbEntry&) const = default;
};
inline constexpr u8 tlb_writable = 1, tlb_user = 2, tlb_global = 4, tlb_no_execute = 8, tlb_dirty = 16;
inline constexpr u8 tlb_flags = 31;  // all of these
/// A compiler's working set of 32 MiB.
inline constexpr size_t tlb_entries = 8192;
inline constexpr size_t tlb_slot(u64 lin) { return (lin >> 12) & (tlb_entries - 1); }

class Tlb {
 public:
  const TlbEntry& operator[](size_t slot) const { return entries_[slot]; }

  /// Takes the place of what was in its slot.
  void put(const TlbEntry& entry);
  void drop(size_t slot);

  /// Calls visit(slot) for every entry, which it may drop.
  template <class Visit>
  void each(Visit visit) const {
    visit_words(filled_, 0, words, visit);
  }
  /// The same for all that are not global.
  template <class Visit>
  void each_local(Visit visit) const {
    visit_words(local_, 0, words, visit);
  }
  /// The same for those that come from the mapping of the page at `lin`, among others.
  template <class Visit>
  void each_near(u64 lin, Visit visit) const {
    const size_t slot = tlb_slot(lin);
    if (entries_[slot].linear_page != TlbEntry{}.linear_page) visit(slot);
    const size_t first = huge_ > 0 ? 0 : tlb_slot(lin & ~large_page_mask) / 64;
    visit_words(large_, first, huge_ > 0 ? words : first + large_page_words, visit);
  }
  /// The same for those that lead to a physical page, and perhaps a few others.
  template <class Visit>
  void each_of_frame(u64 physical, Visit visit) const {
    const u32 wanted = frame_of(physical);
    for (size_t group = 0; group < tlb_entries; group += 64) {
      u32 found = 0;
      for (size_t i = group; i < group + 64; i++) found |= frames_[i] == wanted;
      if (!found) continue;
      for (size_t i = group; i < group + 64; i++) {
        if (frames_[i] == wanted) visit(i);
      }
    }
  }

 private:
  static constexpr size_t words = tlb_entries / 64;
  /// Pages of 2 and of 4 MiB; what is larger is counted in `huge_`.
  static constexpr u8 largest_shift = 22;
  static constexpr u64 large_page_mask = (u64{1} << largest_shift) - 1;
  static constexpr size_t large_page_words = (size_t{1} << (largest_shift - 12)) / 64;
  static_assert(large_page_words <= words);

  using Bits = u64[words];

  template <class Visit>
  static void visit_words(const Bits& bits, size_t first, size_t end, Visit visit) {
    for (size_t i = first; i < end; i++) {
      for (u64 left = bits[i]; left; left &= left - 1) visit(i * 64 + static_cast<size_t>(std::countr_zero(left)));
    }
  }

  static u32 frame_of(u64 physical) { return static_cast<u32>(physical >> 12); }

  TlbEntry entries_[tlb_entries];
  u32 frames_[tlb_entries] = {};
  Bits filled_ = {}, local_ = {}, large_ = {};
  size_t huge_ = 0;
};

}  // namespace tsbhyve::soft
