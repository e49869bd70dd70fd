// SPDX-License-Identifier: BSD-2-Clause
// Paging: the translation look-aside buffers, which are guest-visible state, and the walk that fills them.
#pragma once

#include "soft/cpu.h"

namespace tsbhyve::soft {

enum class Access : u8 { Read, Write, Execute };

/// One translation, always of 4 KiB. What a guest can see of a TLB is exactly these: they are saved.
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
inline constexpr size_t tlb_entries = 1024;

class Mmu {
 public:
  explicit Mmu(Cpu* cpu) : cpu_(cpu) {}

  /// Physical address of `lin`, through the TLB; raises #PF (cpu->fault, escape) when the access is not allowed.
  /// `supervisor` true: an access of the processor itself, whatever CPL is.
  u64 translate(u64 lin, Access access, bool supervisor);
  /// The same for an access at privilege `cpl`.
  u64 translate_as(u64 lin, Access access, u8 cpl);

  void flush_page(u64 lin);          // INVLPG
  void flush_all(bool keep_global);  // CR3 writes, CR0/CR4/EFER changes
  void flush_pcid(u16 pcid, bool keep_global);
  void flush_page_of_pcid(u64 lin, u16 pcid);
  void drop_fast();                    // derived tables only; no guest-visible effect
  void drop_fast_writes();             // arming of a dirty log
  void drop_fast_writes_to(u64 host);  // of the page at this address of the host
  void load_pdptes();                  // PAE: from CR3 (SDM vol. 3, 4.4.1); already checked

  TlbEntry data[tlb_entries];
  TlbEntry code[tlb_entries];

 private:
  u64 translate_mode(u64 lin, Access access, bool user, bool implicit);
  TlbEntry walk(u64 lin, Access access, bool user, bool implicit);
  [[noreturn]] void page_fault(u64 lin, Access access, bool user, bool present, bool reserved);
  bool permitted(const TlbEntry& entry, Access access, bool user, bool implicit) const;

  Cpu* cpu_;
};

}  // namespace tsbhyve::soft
