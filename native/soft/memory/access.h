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

/// Empties one or all of the fast tables.
void clear_fast_table(FastEntry* table);

}  // namespace tsbhyve::soft
