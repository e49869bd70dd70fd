// SPDX-License-Identifier: BSD-2-Clause
#include "soft/translator/calls.h"

#include <algorithm>

#include "soft/flags.h"
#include "soft/integer/bulk.h"
#include "soft/integer/counter.h"
#include "soft/memory.h"
#include "soft/translator/exceptions.h"

namespace tsbhyve::soft {

namespace {

/// The state is tier 1's in the midst of the block: an escape needs no more.
void step_in(Cpu* cpu, const Site* site) {
  cpu->block = site->block;
  cpu->gpr[17] = cpu->translated.code_page + (site->block->physical & page_offset_mask);
  cpu->budget -= site->ahead;
  cpu->translated.region = site->region;
  settle_flags(cpu, site->flags);
  take_host_exceptions(cpu);
}

void step_out(Cpu* cpu, const Site* site) {
  cpu->budget += site->ahead;
  cpu->translated.region = nullptr;
  cpu->current_op = nullptr;
}

/// Each iteration counts as an instruction, of which the block pays for one: the last, if all are made. They may use up
/// what the budget has above zero, below which translated code goes no further.
u64 repeat_many(Cpu* cpu, const Site* site, u64 (*many)(Cpu*, const Op*, u64, u32)) {
  const Op* const op = site->op();
  u64 count = read_counter(cpu, op);
  while (count > 0 && cpu->budget > 0) {
    const u64 done = many(cpu, op, std::min(count, static_cast<u64>(cpu->budget)), site->size);
    if (done == 0) return 0;
    count -= done;
    write_counter(cpu, op, count);
    cpu->budget -= static_cast<i64>(count == 0 ? done - 1 : done);
  }
  return count == 0;
}

}  // namespace

u64 translated_load(Cpu* cpu, const Site* site, u64 lin, u64) {
  step_in(cpu, site);
  const u64 value = load_slow(cpu, site->op(), lin, site->size, site->segment);
  step_out(cpu, site);
  return value;
}

void translated_store(Cpu* cpu, const Site* site, u64 lin, u64 value) {
  step_in(cpu, site);
  store_slow(cpu, site->op(), lin, value, site->size, site->segment);
  step_out(cpu, site);
}

u64 translated_update(Cpu* cpu, const Site* site, u64 lin, u64) {
  step_in(cpu, site);
  const u64 value = load_for_update_slow(cpu, site->op(), lin, site->size, site->segment);
  step_out(cpu, site);
  return value;
}

/// The operation that follows in the copy stops there.
u64 translated_operation(Cpu* cpu, const Site* site, u64, u64) {
  step_in(cpu, site);
  const Op* const copy = &static_cast<const OperationSite*>(site)->copy;
  copy->handler(cpu, copy);
  cpu->next_op = nullptr;
  step_out(cpu, site);
  constexpr u64 always_set = 2;
  return read_status_flags(cpu) | always_set;
}

u64 translated_move_string(Cpu* cpu, const Site* site, u64, u64) { return repeat_many(cpu, site, move_many); }
u64 translated_store_string(Cpu* cpu, const Site* site, u64, u64) { return repeat_many(cpu, site, store_many); }

void translated_settle(Cpu* cpu, const Site* site, u64, u64) { settle_flags(cpu, site->flags); }

u64 translated_flags(Cpu* cpu, const Site* site, u64, u64) {
  settle_flags(cpu, site->flags);
  return read_status_flags(cpu);
}

}  // namespace tsbhyve::soft
