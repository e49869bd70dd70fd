// SPDX-License-Identifier: BSD-2-Clause
// Paging: the translation look-aside buffers, which are guest-visible state, and the walk that fills them.
#pragma once

#include <bitset>

#include "soft/cpu.h"
#include "soft/memory/page_serials.h"
#include "soft/memory/tlb.h"

namespace tsbhyve::soft {

enum class Access : u8 { Read, Write, Execute };

class Mmu {
 public:
  explicit Mmu(Cpu* cpu);

  /// Physical address of `lin`, through the TLB; raises #PF (cpu->fault, escape) when the access is not allowed.
  /// `supervisor` true: an access of the processor itself, whatever CPL is.
  u64 translate(u64 lin, Access access, bool supervisor);
  /// The same for an access at privilege `cpl`.
  u64 translate_as(u64 lin, Access access, u8 cpl);

  void flush_page(u64 lin);          // INVLPG
  void flush_all(bool keep_global);  // CR3 writes, CR0/CR4/EFER changes
  void flush_pcid(u16 pcid, bool keep_global);
  void flush_page_of_pcid(u64 lin, u16 pcid);
  void drop_fast();                        // derived tables only; no guest-visible effect
  void drop_fast_writes();                 // arming of a dirty log
  void drop_fast_writes_to(u64 physical);  // of this page
  void load_pdptes();                      // PAE: from CR3 (SDM vol. 3, 4.4.1); already checked

  /// Serial number of the page at `lin`, which translate() has just found to be executable.
  u32 code_serial(u64 lin);
  /// A block that runs onto the page at `lin` may be in the jump cache: it goes from there when the page does.
  void straddled(u64 lin);

  Tlb data, code;

 private:
  void forget_code(size_t slot);
  void drop(Tlb& tlb, size_t slot);
  template <class Each, class Doomed>
  void drop_entries(Each each, Doomed doomed);
  u64 translate_mode(u64 lin, Access access, bool user, bool implicit);
  TlbEntry walk(u64 lin, Access access, bool user, bool implicit);
  [[noreturn]] void page_fault(u64 lin, Access access, bool user, bool present, bool reserved);
  bool permitted(const TlbEntry& entry, Access access, bool user, bool implicit) const;

  Cpu* cpu_;
  PageSerials serials_;
  std::bitset<code_pages> straddled_;
};

}  // namespace tsbhyve::soft
