// SPDX-License-Identifier: BSD-2-Clause
#include "soft/translator/calls.h"

#include "soft/flags.h"
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

void translated_settle(Cpu* cpu, const Site* site, u64, u64) { settle_flags(cpu, site->flags); }

u64 translated_flags(Cpu* cpu, const Site* site, u64, u64) {
  settle_flags(cpu, site->flags);
  return read_status_flags(cpu);
}

}  // namespace tsbhyve::soft
