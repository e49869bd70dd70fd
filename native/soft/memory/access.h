// SPDX-License-Identifier: BSD-2-Clause
// The slow path of guest memory accesses: what memory.h's fast paths fall back to.
#pragma once

#include "soft/memory.h"
#include "soft/memory/mmu.h"

namespace tsbhyve::soft {

/// Whose rights an access has.
struct Rights {
  bool supervisor;  // implicit supervisor access, whatever CPL is
  u8 cpl;
};

/// Lets the fast path serve this page, whose memory lies at `host`, as far as the access that just succeeded proves.
void fill_fast(Cpu* cpu, u64 lin, u64 physical, u8* host, bool writable);

/// Empties one or all of the fast tables.
void clear_fast_table(FastEntry* table);

}  // namespace tsbhyve::soft
