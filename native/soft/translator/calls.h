// SPDX-License-Identifier: BSD-2-Clause
// What translated code calls: tier 1's slow memory accesses and handlers, found as tier 1 itself would find them.
#pragma once

#include "soft/translator/region.h"

namespace tsbhyve::soft {

u64 translated_load(Cpu* cpu, const Site* site, u64 lin, u64);
void translated_store(Cpu* cpu, const Site* site, u64 lin, u64 value);
u64 translated_update(Cpu* cpu, const Site* site, u64 lin, u64);
/// Returns RFLAGS as far as the host may have them.
u64 translated_operation(Cpu* cpu, const Site* site, u64, u64);
/// Iterations of REP MOVS and REP STOS, as many as can be at once; zero: not all, the rest is tier 1's.
u64 translated_move_string(Cpu* cpu, const Site* site, u64, u64);
u64 translated_store_string(Cpu* cpu, const Site* site, u64, u64);
void translated_settle(Cpu* cpu, const Site* site, u64, u64);
/// Returns the status flags, which are whole afterwards.
u64 translated_flags(Cpu* cpu, const Site* site, u64, u64);

}  // namespace tsbhyve::soft
