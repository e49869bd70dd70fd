// SPDX-License-Identifier: BSD-2-Clause
#include "soft/translator/calls.h"

#include "soft/memory.h"

namespace tsbhyve::soft {

namespace {

/// The state is tier 1's in the midst of the block: an escape needs no more.
void step_in(Cpu* cpu, const Site* site) {
  cpu->block = site->block;
  cpu->gpr[17] = cpu->translated.code_page + (site->block->physical & page_offset_mask);
  cpu->budget -= site->ahead;
  cpu->translated.region = site->region;
  settle_flags(cpu, site->flags);
}

void step_out(Cpu* cpu, const Site* site) {
  cpu->budget += site->ahead;
  cpu->translated.region = nullptr;
  cpu->current_op = nullptr;
}

}  // namespace

u64 translated_load(Cpu* cpu, const Site* site, u64 lin, u64) {
  step_in(cpu, site);
  tr_mem[0]++;
  const u64 value = load_slow(cpu, site->op, lin, site->size, site->segment);
  step_out(cpu, site);
  return value;
}

void translated_store(Cpu* cpu, const Site* site, u64 lin, u64 value) {
  step_in(cpu, site);
  tr_mem[1]++;
  store_slow(cpu, site->op, lin, value, site->size, site->segment);
  step_out(cpu, site);
}

u64 translated_update(Cpu* cpu, const Site* site, u64 lin, u64) {
  step_in(cpu, site);
  const u64 value = load_for_update_slow(cpu, site->op, lin, site->size, site->segment);
  step_out(cpu, site);
  return value;
}

void translated_load128(Cpu* cpu, const Site* site, u64 lin, u64) {
  step_in(cpu, site);
  const U128 value = load128_slow(cpu, site->op, lin, site->segment);
  cpu->translated.vector[0] = value.low;
  cpu->translated.vector[1] = value.high;
  step_out(cpu, site);
}

void translated_store128(Cpu* cpu, const Site* site, u64 lin, u64) {
  step_in(cpu, site);
  store128_slow(cpu, site->op, lin, {cpu->translated.vector[0], cpu->translated.vector[1]}, site->segment);
  step_out(cpu, site);
}

/// The operation that follows in the copy stops there.
void translated_operation(Cpu* cpu, const Site* site, u64, u64) {
  step_in(cpu, site);
  tr_ops[site->opcode]++;
  site->op->handler(cpu, site->op);
  cpu->next_op = nullptr;
  step_out(cpu, site);
}

void translated_settle(Cpu* cpu, const Site* site, u64, u64) { tr_mem[2]++; settle_flags(cpu, site->flags); }

}  // namespace tsbhyve::soft
